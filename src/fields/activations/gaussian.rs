//! φ(z) = exp(−z² / 2σ²); weights U(±1/√inputs). Ramasinghe and Lucey, "Beyond Periodicity: Towards a Unifying
//! Framework for Activations in Coordinate-MLPs", ECCV 2022. Learns detail from plain coordinates without a special
//! initialisation; σ sets the scale of the detail.

use super::{Activation, Bounds, LayerPosition, plain};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `gaussian: {sigma}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Standard deviation σ of the Gaussian, greater than 0; smaller values learn finer detail.
    pub sigma: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { sigma: 0.1 }
    }
}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        require::positive("sigma", self.sigma)
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        z.f_square()?.f_mul_scalar(-0.5 / (self.sigma * self.sigma))?.f_exp()
    }

    fn bounds(&self, _: LayerPosition, inputs: usize) -> Bounds {
        plain(inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Gaussian { factor: (0.5 / (self.sigma * self.sigma)) as f32 })
    }
}
