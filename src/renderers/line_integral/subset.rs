//! The views of a step: all of them, or subsets that change from step to step until every view has been used.

use super::Objective;
use crate::data::Geometry;
use crate::error::Result;
use crate::random::stream;
use crate::tensors::{indices, torch_error};
use rand::seq::SliceRandom;
use std::borrow::Cow;
use tch::Tensor;

/// The views that a step uses, with their data.
pub(super) struct Views<'a> {
    pub(super) geometry: Cow<'a, Geometry>,
    /// [`Objective::data`] of these views.
    pub(super) data: Tensor,
    /// [`Objective::weights`] of these views.
    pub(super) weights: Option<Tensor>,
    /// Number of all views divided by that of these: factor on the sum over them that estimates the sum over all.
    pub(super) share: f64,
}

impl<'a> Views<'a> {
    /// The views of step `step`, at most `count` of them; 0: all.
    pub(super) fn of(objective: &'a Objective, count: usize, step: u64) -> Result<Self> {
        let total = objective.geometry.views.len();
        if count == 0 || count >= total {
            return Ok(Self {
                geometry: Cow::Borrowed(&objective.geometry),
                data: objective.data.shallow_clone(),
                weights: objective.weights.as_ref().map(Tensor::shallow_clone),
                share: 1.0,
            });
        }
        let chosen = turn(objective.seed, total, count, step);
        let numbers = indices(&chosen, objective.data.device())?;
        let some = |all: &Tensor| all.f_index_select(0, &numbers);
        Ok(Self {
            geometry: Cow::Owned(objective.geometry.subset(&chosen)?),
            data: some(&objective.data).map_err(torch_error)?,
            weights: objective.weights.as_ref().map(some).transpose().map_err(torch_error)?,
            share: total as f64 / chosen.len() as f64,
        })
    }
}

/// The views of a step in ascending order, at most `count` of `total`. Each pass over the scan divides the shuffled
/// views anew among ⌈total / count⌉ steps, which together use every view once.
fn turn(seed: u64, total: usize, count: usize, step: u64) -> Vec<usize> {
    let steps = total.div_ceil(count) as u64;
    let mut order: Vec<usize> = (0..total).collect();
    order.shuffle(&mut stream(seed, "view subsets", step / steps));
    // Every n-th view of the shuffled order goes to the same of the n steps, so that their numbers of views differ by
    // at most one.
    let mut chosen: Vec<usize> = order.into_iter().skip((step % steps) as usize).step_by(steps as usize).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_has_its_turn_once_a_sweep_and_sweeps_differ() {
        let sweep = |n: u64| (0..4).map(|k| turn(7, 10, 3, 4 * n + k)).collect::<Vec<_>>();
        for n in 0..5 {
            let mut all = sweep(n).concat();
            assert!(sweep(n).iter().all(|views| (2..=3).contains(&views.len()) && views.is_sorted()));
            all.sort_unstable();
            assert_eq!(all, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(sweep(0), sweep(1));
    }
}
