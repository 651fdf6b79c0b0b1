//! Tikhonov regularisation of the gradient: Σ ½ |∇x|².
//!
//! It smooths everywhere, edges too: use it only for smooth objects, or with a small weight beside total variation.
//! Tikhonov, Soviet Math. Dokl. 4 (1963) 1035.

use super::{Regularizer, squares};
use crate::error::Result;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Sum of the squared gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of the sum over all voxels, at least 0, for x = mu / (2.5 mu_water).
    pub weight: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { weight: 1e-3 }
    }
}

impl Regularizer for Config {
    fn check(&self) -> Result<()> {
        require::not_negative("weight", self.weight)
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn penalty(&self, values: &Tensor, slopes: &[Tensor]) -> std::result::Result<Tensor, TchError> {
        squares(values, slopes)?.f_mul_scalar(0.5)
    }
}
