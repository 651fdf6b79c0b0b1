//! Views that the fit does not see. The error with which a field predicts them, the score of
//! [`weight::held_out`](crate::algorithms::weight::held_out), measures its quality without ground truth.

use crate::algorithms::Setup;
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which views are held out of the fit, and how often they are evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeldOut {
    /// Hold out every `every`-th view, at least 2.
    pub every: usize,
    /// Number of data steps between two evaluations of the held-out views.
    pub look: u64,
    /// End the fit after this many evaluations without a better score; 0 always takes all steps.
    pub patience: u64,
}

impl Default for HeldOut {
    fn default() -> Self {
        Self { every: 10, look: 10, patience: 0 }
    }
}

impl HeldOut {
    /// Refuses values that leave no view in the fit or none held out.
    pub(super) fn check(&self, setup: &Setup<'_>) -> Result<()> {
        let views = setup.directions();
        if self.every < 2 || self.every > views {
            let problem = format!("expected 2 to {views} (the directions of the views), got {}", self.every);
            return Err(Error::config("every", problem).hint("10 leaves out one view in ten"));
        }
        if self.look == 0 {
            return Err(Error::config("look", "expected at least 1 step, got 0"));
        }
        Ok(())
    }
}
