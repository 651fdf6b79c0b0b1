//! Views that the fit does not see: how well a field predicts them, by the score of
//! [`weight::held_out`](crate::algorithms::weight::held_out), says how good it is without the truth.

use crate::algorithms::Setup;
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which views are left out and how often they are looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeldOut {
    /// Every `every`-th view is left out.
    pub every: usize,
    /// Data steps between two looks.
    pub look: u64,
    /// Looks without a better one after which the fit ends; 0 goes on to the last step.
    pub patience: u64,
}

impl Default for HeldOut {
    fn default() -> Self {
        Self { every: 10, look: 10, patience: 0 }
    }
}

impl HeldOut {
    /// Refuses what leaves too little on either side.
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
