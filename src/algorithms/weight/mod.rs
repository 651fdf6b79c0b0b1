//! The weight of a penalty: a number, or chosen from the projections alone.
//!
//! [`held_out`]: the weight whose reconstruction from most views predicts the others best (cross-validation over
//! views); needs no model of the noise. [`discrepancy`]: the weight at which the misfit is what the noise accounts for
//! (Morozov 1966). Either asks a [`Trials`] for reconstructions, so any method with a weight can be tuned.
//! docs/regularisation.md says how well.

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
    /// All later solutions are of these problems: the same volume, each with a part of the views.
    ///
    /// # Errors
    /// What the method says of them.
    fn prepare(&mut self, folds: &[Problem<'_>]) -> Result<()>;

    /// A reconstruction (attenuation, 1/mm) of the set number `fold` with this weight, good enough to be judged; trials
    /// may start from the last one of that set.
    ///
    /// # Errors
    /// What the method says; [`crate::error::Error::Stopped`].
    fn solve(&mut self, fold: usize, weight: f64) -> Result<Volume>;
}

/// A weight that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The weight, for all views.
    pub weight: f64,
    /// The weights tried and their scores, in the order tried.
    pub tried: Vec<(f64, f64)>,
    /// By what.
    pub by: Option<By>,
}

impl Choice {
    /// A weight that was given.
    #[must_use]
    pub fn given(weight: f64) -> Self {
        Self { weight, tried: Vec::new(), by: None }
    }

    /// What a reconstruction notes of it: nothing if it was given.
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
    /// The number, or the choice from the measurements; afterwards `trials` still hold the folds of the last search.
    ///
    /// # Errors
    /// What the trials say.
    pub fn choose(&self, problem: &Problem<'_>, run: &Run<'_>, trials: &mut dyn Trials) -> Result<Choice> {
        match self {
            Self::Fixed(weight) => Ok(Choice::given(*weight)),
            Self::Auto(auto) => match auto.by {
                By::HeldOut => held_out::choose(auto, problem, run, trials),
                By::Discrepancy => discrepancy::choose(auto, problem, run, trials),
            },
        }
    }

    /// Refuses what makes no sense; errors name the key relative to the weight's own.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    pub fn check(&self, setup: &Setup<'_>) -> Result<()> {
        setting::check(self, setup)
    }
}
