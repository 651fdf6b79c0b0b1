//! Non-negativity as a penalty: Σ ½ min(x, 0)².
//!
//! Attenuation is not negative; a field without an output activation may say so, and is drawn back here. A projection
//! onto x ≥ 0 at the end (`nonnegative`) does the same too late for the data to answer.

use super::Regularizer;
use crate::error::Result;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Squares of negative values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight, per voxel of x² = (mu / (2.5 mu_water))².
    pub weight: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { weight: 1e-2 }
    }
}

impl Regularizer for Config {
    fn check(&self) -> Result<()> {
        require::not_negative("weight", self.weight)
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn penalty(&self, values: &Tensor, _slopes: &[Tensor]) -> std::result::Result<Tensor, TchError> {
        values.f_clamp_max(0.0)?.f_square()?.f_mul_scalar(0.5)
    }
}
