//! φ(z) = sin(ω (|z| + 1) z): a sine whose frequency increases with |z|. Weights as in SIREN, but the first layer's
//! biases from U(±k), so that the neurons cover a range of frequencies. Liu et al., "FINER: Flexible Spectral-bias
//! Tuning in Implicit NEural Representation by Variable-periodic Activation Functions", CVPR 2024, eq. 4 and §3.3. For
//! plain coordinates, where a SIREN stays too smooth.

use super::{Activation, Bounds, LayerPosition, periodic};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `finer: {omega, bias}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Frequency factor ω, greater than 0.
    pub omega: f64,
    /// Bound k of the first layer's biases, greater than 0; larger values give higher initial frequencies.
    pub bias: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { omega: 30.0, bias: 1.0 }
    }
}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        require::positive("omega", self.omega)?;
        require::positive("bias", self.bias)
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        z.f_abs()?.f_add_scalar(1.0)?.f_mul(z)?.f_mul_scalar(self.omega)?.f_sin()
    }

    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds {
        let bounds = periodic(self.omega, place, inputs);
        if place == LayerPosition::First { Bounds { bias: self.bias, ..bounds } } else { bounds }
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Finer { omega: self.omega as f32 })
    }
}
