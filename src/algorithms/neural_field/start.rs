//! The first phase of a fit: learning another method's volume by regression on random voxels.

use crate::algorithms::{AlgorithmKind, Setup};
use crate::error::{Error, Result};
use crate::registry::{Kinds, OneOf};
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The method that makes the volume to start from, and how the field learns it.
pub type Start = OneOf<AlgorithmKind, Regression>;

/// Regression of a field on a volume's voxels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Regression {
    /// Number of regression steps.
    pub steps: u64,
    /// Number of random voxels per step.
    pub batch: usize,
    /// Learning rate at the first regression step; it decreases with `schedule`.
    pub rate: f64,
}

impl Default for Regression {
    fn default() -> Self {
        Self { steps: 400, batch: 16384, rate: 3e-3 }
    }
}

crate::sibling_keys!(Regression { steps, batch, rate });

/// Refuses invalid settings of the start.
pub(super) fn check(start: &Start, setup: &Setup<'_>) -> Result<()> {
    let Regression { steps, batch, rate } = start.keys;
    if matches!(start.kind, AlgorithmKind::NeuralField(_)) {
        return Err(Error::config("neural_field", "a field cannot start from another field")
            .hint("name a classical method, such as `tv`"));
    }
    if steps == 0 {
        return Err(
            Error::config("steps", "expected at least 1, got 0").hint("leave `start` out to start from random weights")
        );
    }
    if !(1..=1 << 24).contains(&batch) {
        return Err(Error::config("batch", format!("expected 1 to 2^24 voxels, got {batch}")));
    }
    require::positive("rate", rate)?;
    start.kind.named(start.kind.as_part().accept(setup))
}
