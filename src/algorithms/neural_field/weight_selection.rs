//! Selection of the weights that are the result: the last ones, their running average, or those that predict held-out
//! views best. Also keeps the last good weights in case the fit diverges.

use crate::error::Result;
use crate::fields::Parameter;
use crate::tensors::torch_error;
use tch::{TchError, Tensor};

/// Number of data steps between two copies of the weights that a diverging fit can fall back to.
pub(super) const GOOD: u64 = 25;

/// Copies of a field's weights between which the result is selected.
#[derive(Debug, Default)]
pub(super) struct WeightSelection {
    /// Number of averaged steps and the running average of the weights.
    pub(super) average: Option<(u64, Vec<Tensor>)>,
    /// The best evaluation of the held-out views.
    pub(super) best: Option<Best>,
    /// Number of evaluations since the best one.
    pub(super) since: u64,
    good: Vec<Tensor>,
}

/// The evaluation of the held-out views with the lowest score, and the weights at that step.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) step: u64,
    pub(super) score: f64,
    pub(super) weights: Vec<Tensor>,
}

/// Copies of the parameters' values.
pub(super) fn copies(parameters: &[Parameter]) -> Result<Vec<Tensor>> {
    let copy = |p: &Parameter| p.value.f_detach_copy();
    parameters.iter().map(copy).collect::<std::result::Result<_, TchError>>().map_err(torch_error)
}

/// Overwrites the parameters' values with copies.
pub(super) fn put(parameters: &[Parameter], weights: &[Tensor]) {
    parameters.iter().zip(weights).for_each(|(parameter, weight)| parameter.value.detach().copy_(weight));
}

impl WeightSelection {
    /// Adds the weights after a step to the running average.
    pub(super) fn add_to_average(&mut self, parameters: &[Parameter]) -> Result<()> {
        let Some((count, average)) = &mut self.average else {
            self.average = Some((1, copies(parameters)?));
            return Ok(());
        };
        *count += 1;
        let part = 1.0 / *count as f64;
        let blend = |(mean, parameter): (&mut Tensor, &Parameter)| -> std::result::Result<(), TchError> {
            let _ = mean.f_lerp_(&parameter.value.detach(), part)?;
            Ok(())
        };
        average.iter_mut().zip(parameters).try_for_each(blend).map_err(torch_error)
    }

    /// Runs `work` with the averaged weights in place, if there are any.
    pub(super) fn with_average<T>(&self, parameters: &[Parameter], work: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some((_, average)) = &self.average else { return work() };
        let own = copies(parameters)?;
        put(parameters, average);
        let result = work();
        put(parameters, &own);
        result
    }

    /// Records an evaluation of the held-out views at a step; keeps the weights if its score is the lowest.
    pub(super) fn looked(&mut self, step: u64, score: f64, parameters: &[Parameter]) -> Result<()> {
        if self.best.as_ref().is_some_and(|best| best.score <= score) {
            self.since += 1;
            return Ok(());
        }
        self.since = 0;
        let weights = match &self.average {
            Some((_, average)) => average
                .iter()
                .map(Tensor::f_detach_copy)
                .collect::<std::result::Result<_, TchError>>()
                .map_err(torch_error)?,
            None => copies(parameters)?,
        };
        self.best = Some(Best { step, score, weights });
        Ok(())
    }

    /// Stores the current weights as the last good ones.
    pub(super) fn keep(&mut self, parameters: &[Parameter]) -> Result<()> {
        self.good = copies(parameters)?;
        Ok(())
    }

    /// Restores the last good weights; returns false if there are none.
    pub(super) fn fall_back(&self, parameters: &[Parameter]) -> bool {
        put(parameters, &self.good);
        !self.good.is_empty()
    }

    /// Sets the parameters to the weights that are the result.
    pub(super) fn conclude(&self, parameters: &[Parameter]) {
        match (&self.best, &self.average) {
            (Some(best), _) => put(parameters, &best.weights),
            (None, Some((_, average))) => put(parameters, average),
            (None, None) => {}
        }
    }
}
