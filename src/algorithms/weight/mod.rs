//! The weight of a penalty: a given number, or a choice from the projections alone.
//!
//! [`held_out`] chooses the weight whose reconstruction from most views predicts the others best (cross-validation over
//! views) and needs no noise model. [`discrepancy`] chooses the weight at which the misfit equals the expected noise
//! (Morozov 1966). Both get their reconstructions from a [`Trials`], so that any method with a weight can be tuned.
//! docs/regularisation.md compares their results.

pub mod discrepancy;
pub mod held_out;
mod search;
mod setting;
mod usual;

pub use setting::{Auto, By, Weight};

use super::{Problem, Run, Setup};
use crate::data::Volume;
use crate::error::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A method whose weight is to be chosen.
pub trait Trials {
    /// Sets the problems of all later trials: the same volume, each with some of the views.
    ///
    /// # Errors
    /// Errors of the method for these problems.
    fn prepare(&mut self, folds: &[Problem<'_>]) -> Result<()>;

    /// Reconstructs (attenuation, 1/mm) the problem of index `fold` with this weight, accurately enough to be judged; a
    /// trial may start from the previous one of that problem.
    ///
    /// # Errors
    /// Errors of the method; [`crate::error::Error::Stopped`].
    fn solve(&mut self, fold: usize, weight: f64) -> Result<Volume>;
}

/// A weight, given or chosen, with the trials behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The weight, for all views.
    pub weight: f64,
    /// Weights tried and their scores, in the order tried; for the discrepancy principle the score is misfit / target −
    /// 1.
    pub tried: Vec<(f64, f64)>,
    /// Rule of the choice; `None` for a given weight.
    pub by: Option<By>,
}

impl Choice {
    /// A given weight.
    #[must_use]
    pub fn given(weight: f64) -> Self {
        Self { weight, tried: Vec::new(), by: None }
    }

    /// Notes for the reconstruction; empty for a given weight.
    #[must_use]
    pub fn notes(&self) -> BTreeMap<String, Value> {
        let Some(by) = self.by else { return BTreeMap::new() };
        BTreeMap::from([
            ("weight".to_string(), json!(self.weight)),
            ("weight_by".to_string(), json!(by)),
            ("weights_tried".to_string(), json!(self.tried)),
        ])
    }
}

impl Weight {
    /// Returns the given number, or chooses a weight from the measurements; afterwards `trials` still holds the folds
    /// of the search.
    ///
    /// # Errors
    /// Errors of the trials.
    pub fn choose(&self, problem: &Problem<'_>, run: &Run<'_>, trials: &mut dyn Trials) -> Result<Choice> {
        match self {
            Self::Fixed(weight) => Ok(Choice::given(*weight)),
            Self::Auto(auto) => match auto.by {
                By::HeldOut => held_out::choose(auto, problem, run, trials),
                By::Discrepancy => discrepancy::choose(auto, problem, run, trials),
            },
        }
    }

    /// Refuses values out of range; the error names the key relative to that of the weight.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    pub fn check(&self, setup: &Setup<'_>) -> Result<()> {
        setting::check(self, setup)
    }
}
