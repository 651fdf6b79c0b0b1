//! Convergence record of an iterative method: progress messages, stopping rule and convergence curve.

use super::Common;
use crate::data::CurvePoint;
use crate::error::{Error, Result};
use crate::progress::{self, StopSignal, Task};
use std::collections::BTreeMap;
use std::time::Instant;

/// The convergence record of a method that is running.
///
/// The loss and the residual of a step belong to the volume before the step: the step's own projection yields them, so
/// that no further projection is needed.
pub(in crate::algorithms) struct ConvergenceRecord<'a> {
    stop: &'a dyn StopSignal,
    task: Task,
    common: Common,
    /// ‖ŷ‖, mm; 1 if all data are 0.
    scale: f64,
    begun: Instant,
    last: Option<f64>,
    curve: Vec<CurvePoint>,
}

impl<'a> ConvergenceRecord<'a> {
    pub(super) fn begin(stop: &'a dyn StopSignal, common: Common, data_norm: f64) -> Self {
        let task = progress::begin(common.key, Some(common.iterations));
        let scale = if data_norm > 0.0 { data_norm } else { 1.0 };
        Self { stop, task, common, scale, begun: Instant::now(), last: None, curve: Vec::new() }
    }

    /// Records step `step` (from 1) with its objective and ‖Ax − ŷ‖ (mm); returns whether the iteration ends here.
    pub(in crate::algorithms) fn step(&mut self, step: u64, loss: f64, residual_norm: f64) -> Result<bool> {
        let residual = residual_norm / self.scale;
        if !(loss.is_finite() && residual.is_finite()) {
            let problem = format!("the iteration diverged at step {step}: its loss is {loss}");
            return Err(
                Error::resource(self.common.key, problem).hint("lower the relaxation, or use fewer and larger subsets")
            );
        }
        progress::advance(step, &[("loss", loss), ("residual", residual)]);
        let figures = BTreeMap::from([("residual".to_string(), residual)]);
        self.curve.push(CurvePoint { step, seconds: self.begun.elapsed().as_secs_f64(), loss, figures });
        let settled = self.last.is_some_and(|last| (last - residual).abs() < self.common.tolerance * last);
        self.last = Some(residual);
        self.stop.check_stop()?;
        Ok(settled || step >= self.common.iterations)
    }

    pub(super) fn end(self) -> Vec<CurvePoint> {
        self.task.end();
        self.curve
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mask;
    use super::*;
    use crate::progress::Silent;

    fn record(tolerance: f64) -> ConvergenceRecord<'static> {
        ConvergenceRecord::begin(
            &Silent,
            Common { key: "sirt", iterations: 3, tolerance, nonnegative: true, mask: Mask::None },
            2.0,
        )
    }

    #[test]
    fn it_ends_after_its_iterations_or_once_the_residual_settles() {
        let mut all = record(0.0);
        let ends: Vec<bool> = (1..=3).map(|step| all.step(step, 1.0, 1.0).unwrap()).collect();
        assert_eq!(ends, [false, false, true]);
        assert_eq!(all.end()[2].figures["residual"], 0.5);
        let mut settled = record(0.1);
        assert!(!settled.step(1, 1.0, 1.0).unwrap() && settled.step(2, 1.0, 0.95).unwrap());
    }

    #[test]
    fn a_loss_that_is_no_number_is_an_error() {
        assert!(record(0.0).step(1, f64::NAN, 1.0).unwrap_err().to_string().contains("diverged"));
    }
}
