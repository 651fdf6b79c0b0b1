//! Views that the fit does not see: what of them a field explains says how good it is without the truth.

use crate::algorithms::{Problem, Run, Setup};
use crate::error::{Error, Result};
use crate::operators::LinearOperator;
use crate::tensors::{norm, torch_error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

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

/// The views themselves.
pub(super) struct Held {
    operator: Box<dyn LinearOperator>,
    data: Tensor,
    norm: f64,
}

impl Held {
    /// The views of `out`, in units of mu_ref.
    pub(super) fn new(out: &Problem<'_>, run: &Run<'_>) -> Result<Self> {
        let data = out.values(run.device)? / out.unit();
        let norm = norm(&data).map_err(torch_error)?;
        Ok(Self { operator: out.operator(run.device)?, data, norm })
    }

    /// ‖A x − y‖ / ‖y‖ over the views, for a volume `[z, y, x]` in units of mu_ref.
    pub(super) fn residual(&self, volume: &Tensor) -> Result<f64> {
        let difference = self.operator.forward(volume)?.f_sub(&self.data).map_err(torch_error)?;
        Ok(norm(&difference).map_err(torch_error)? / self.norm.max(f64::MIN_POSITIVE))
    }
}
