//! Non-negativity as a penalty: Σ ½ min(x, 0)².
//!
//! Attenuation is not negative, but a field without an output activation can be; this penalty pulls it back during the
//! fit. Clipping the result (`nonnegative`) comes after the fit, when the data can no longer correct the other voxels.

use super::Regularizer;
use crate::error::Result;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Sum of the squares of negative values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of the sum over all voxels, at least 0, for x = mu / (2.5 mu_water).
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
