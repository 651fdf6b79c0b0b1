//! Sparsity: Σ |x|, for objects that are mostly air (contrast agents, angiography differences, fibres).
//!
//! The ℓ₁ norm of Donoho, IEEE Trans. Inf. Theory 52 (2006) 1289, on the voxels themselves.

use super::Regularizer;
use crate::error::Result;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Sum of absolute values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of the sum over all voxels, at least 0, for |x| = |mu| / (2.5 mu_water).
    pub weight: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { weight: 1e-5 }
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
        values.f_abs()
    }
}
