//! φ(z) = z for z ≥ 0, slope · z below. Maas et al., ICML workshop 2013; initial weights after He et al., ICCV 2015. As
//! ReLU, but neurons with negative sums still have a gradient; NAF (Zha et al., MICCAI 2022) uses it after a hash grid.

use super::{Activation, Bounds, LayerPosition, rectifier};
use crate::error::{Error, Result};
use crate::fields::kernels::pointwise::Pointwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `leaky_relu: {slope}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Slope for negative sums, from 0 (ReLU) to below 1.
    pub slope: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { slope: 0.01 }
    }
}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        if (0.0..1.0).contains(&self.slope) {
            return Ok(());
        }
        Err(Error::config("slope", format!("expected 0 to below 1, got {}", self.slope)))
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        let rest = z.f_clamp_max(0.0)?.f_mul_scalar(self.slope)?;
        z.f_relu()?.f_add(&rest)
    }

    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds {
        rectifier(self.slope, place, inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Rectifier { slope: self.slope as f32 })
    }
}
