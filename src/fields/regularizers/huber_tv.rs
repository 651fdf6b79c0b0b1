//! Huber total variation: Σ h(|∇x|), h(g) = g² / 2δ up to δ and g − δ/2 above.
//!
//! Total variation that does not turn slopes into stairs: steps below δ are smoothed, edges above stay. Huber, Ann.
//! Math. Stat. 35 (1964) 73; for tomography Chambolle and Pock, J. Math. Imaging Vis. 40 (2011) §6.2.2. For anatomy
//! with soft gradients.

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
    /// Weight, per voxel of x = mu / (2.5 mu_water).
    pub weight: f64,
    /// Step between neighbours (in x) from which on a difference counts as an edge.
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
        // The clamp keeps the square root's slope finite where the branch is not taken.
        let edge = squares.f_clamp_min(self.delta * self.delta)?.f_sqrt()?.f_sub_scalar(0.5 * self.delta)?;
        let smooth = squares.f_mul_scalar(0.5 / self.delta)?;
        edge.f_where_self(&squares.f_gt(self.delta * self.delta)?, &smooth)
    }
}
