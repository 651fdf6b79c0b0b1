//! ASD-POCS (adaptive steepest descent, projection onto convex sets): seeks the volume of least total variation among
//! those that fit the data, x ≥ 0 and ‖A x − y‖ ≤ ε.
//!
//! Each iteration is one SART sweep over subsets of the views, which reduces the misfit, followed by `tv_steps`
//! steepest-descent steps on the total variation. The length of such a step is first α times ‖Δx‖ of the first sweep;
//! it is multiplied by `alpha_reduction` whenever the descent moves x farther than `largest_ratio` times the sweep did
//! while ‖A x − y‖ > ε. E. Y. Sidky, X. Pan, Phys. Med. Biol. 53, 2008, in the variant of TIGRE (A. Biguri et al.,
//! Biomed. Phys. Eng. Express 2, 2016), which also stops once the data are fitted and the sweep and the descent move x
//! in opposite directions. Suited to few views; `tv` solves a similar problem exactly.

use super::iterative::subsets::Subsets;
use super::iterative::sweep::SubsetSweep;
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, Order, vectors};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::Result;
use crate::fields::regularizers::total_variation as tv;
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Adaptive steepest descent and projection onto convex sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of iterations, each one sweep over all views followed by `tv_steps` steps on the total variation.
    pub iterations: u64,
    /// Number of views in a subset: 1 is SART, 0 takes all views at once (SIRT).
    pub subset_views: usize,
    /// Order in which the subsets are visited.
    pub ordering: Order,
    /// Relaxation λ of the first sweep, above 0 and below 2.
    pub relaxation: f64,
    /// Factor by which λ is multiplied after each sweep, above 0 and at most 1.
    pub reduction: f64,
    /// Number of steepest-descent steps on the total variation after each sweep (TIGRE's ng).
    pub tv_steps: u64,
    /// Initial length of a descent step, as a fraction of the change of x in the first sweep (TIGRE's alpha).
    pub alpha: f64,
    /// Factor by which that length is multiplied when the descent goes too far, above 0 and at most 1 (TIGRE's
    /// alpha_red).
    pub alpha_reduction: f64,
    /// Largest change of x in the descent steps that counts as not too far, as a fraction of the sweep's change
    /// (TIGRE's rmax).
    pub largest_ratio: f64,
    /// Tolerated misfit ε as a fraction of ‖y‖, about the noise level (TIGRE's maxl2err, which is absolute).
    pub misfit: f64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            iterations: 20,
            subset_views: 1,
            ordering: Order::Multilevel,
            relaxation: 1.0,
            reduction: 0.99,
            tv_steps: 20,
            alpha: 0.002,
            alpha_reduction: 0.95,
            largest_ratio: 0.95,
            misfit: 0.01,
            nonnegative: true,
            mask: Mask::None,
            tolerance: 0.0,
        }
    }
}

/// Takes `steps` steepest-descent steps on the total variation of `x`, each of Euclidean length `length`.
fn descend(x: &mut Tensor, axes: &[(usize, f64)], steps: u64, length: f64) -> std::result::Result<(), TchError> {
    for _ in 0..steps {
        let (_, slope) = tv::value_and_gradient(x, axes)?;
        let norm = vectors::norm(&slope)?;
        if norm > 0.0 {
            vectors::add_scaled(x, -length / norm, &slope)?;
        }
    }
    Ok(())
}

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "asd_pocs", iterations, tolerance, nonnegative, mask }
    }

    fn iterate(&self, system: &LinearSystem<'_>, record: &mut ConvergenceRecord<'_>) -> Result<Tensor> {
        let mut sweep = SubsetSweep::new(system, self.subset_views, self.ordering)?;
        let axes = tv::axes(system.operator.domain());
        let allowed = self.misfit * vectors::norm(&system.data).map_err(torch_error)?;
        let (mut x, mut relaxation, mut length) = (system.start_or(0.0)?, self.relaxation, None);
        for iteration in 1.. {
            let before = vectors::copied(&x).map_err(torch_error)?;
            let _ = sweep.run(system, &mut x, iteration, relaxation)?;
            let (swept, swept_way) = way(&x, &before).map_err(torch_error)?;
            let mut residual = system.operator.forward(&x)?;
            let misfit = residual.f_sub_(&system.data).and_then(|r| vectors::norm(&r)).map_err(torch_error)?;
            let before = vectors::copied(&x).map_err(torch_error)?;
            let step = *length.get_or_insert(self.alpha * swept_way);
            descend(&mut x, &axes, self.tv_steps, step).and_then(|()| system.masked(&mut x)).map_err(torch_error)?;
            let (smoothed, smoothed_way) = way(&x, &before).map_err(torch_error)?;
            if smoothed_way > self.largest_ratio * swept_way && misfit > allowed {
                length = Some(step * self.alpha_reduction);
            }
            relaxation *= self.reduction;
            let last = record.step(iteration, 0.5 * misfit * misfit, misfit)?;
            let cosine = vectors::dot(&swept, &smoothed).map_err(torch_error)? / (swept_way * smoothed_way);
            if last || (cosine < -0.99 && misfit <= allowed) {
                break;
            }
        }
        system.constrain(&mut x).map_err(torch_error)?;
        Ok(x)
    }
}

/// The change x − before and its Euclidean norm.
fn way(x: &Tensor, before: &Tensor) -> std::result::Result<(Tensor, f64), TchError> {
    let moved = x.f_sub(before)?;
    let length = vectors::norm(&moved)?;
    Ok((moved, length))
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        let common = self.common();
        common.check()?;
        Common::check_relaxation(self.relaxation, self.reduction)?;
        require::not_negative("alpha", self.alpha)?;
        require::share("alpha_reduction", self.alpha_reduction)?;
        require::share("largest_ratio", self.largest_ratio)?;
        require::not_negative("misfit", self.misfit)
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let kept = Subsets::kept(self.subset_views, setup);
        let estimate = self.common().estimate(setup, 3.0, 5, 14 + kept);
        let descents = 40.0 * (self.iterations * self.tv_steps) as f64 * setup.grid.voxels() as f64;
        Estimate { operations: estimate.operations + descents, ..estimate }
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.common().solve(problem, run, |system, record| self.iterate(system, record))
    }
}
