//! Huber total variation: Σ h(|∇x|), with h(g) = g² / 2δ up to δ and g − δ/2 above.
//!
//! It avoids the staircase artefacts of total variation: differences below δ are smoothed, edges above δ are preserved.
//! Huber, Ann. Math. Stat. 35 (1964) 73; for tomography Chambolle and Pock, J. Math. Imaging Vis. 40 (2011) §6.2.2. For
//! anatomy with smooth gradients.

use super::{Regularizer, squares};
use crate::error::Result;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Huber total variation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of the sum over all voxels, at least 0, for x = mu / (2.5 mu_water).
    pub weight: f64,
    /// Difference δ between neighbours (in x = mu / (2.5 mu_water)) above which it is treated as an edge; greater than
    /// 0.
    pub delta: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { weight: 2e-4, delta: 0.01 }
    }
}

impl Regularizer for Config {
    fn check(&self) -> Result<()> {
        require::positive("delta", self.delta)?;
        require::not_negative("weight", self.weight)
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn penalty(&self, values: &Tensor, slopes: &[Tensor]) -> std::result::Result<Tensor, TchError> {
        let squares = squares(values, slopes)?;
        // The clamp keeps the derivative of the square root finite where the other branch is taken.
        let edge = squares.f_clamp_min(self.delta * self.delta)?.f_sqrt()?.f_sub_scalar(0.5 * self.delta)?;
        let smooth = squares.f_mul_scalar(0.5 / self.delta)?;
        edge.f_where_self(&squares.f_gt(self.delta * self.delta)?, &smooth)
    }
}
