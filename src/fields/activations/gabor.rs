//! φ(z) = cos(ω z) exp(−(s z)²): WIRE with real wavelets; weights U(±1/√inputs). Saragadam et al., "WIRE: Wavelet
//! Implicit Neural Representations", CVPR 2023. Local in space and frequency, and robust to noise in inverse problems;
//! for plain coordinates.

use super::{Activation, Bounds, LayerPosition, plain};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `gabor: {omega, scale}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Frequency factor ω of the cosine, greater than 0.
    pub omega: f64,
    /// Inverse width s of the Gaussian envelope, greater than 0.
    pub scale: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { omega: 10.0, scale: 10.0 }
    }
}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        require::positive("omega", self.omega)?;
        require::positive("scale", self.scale)
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        let bell = z.f_square()?.f_mul_scalar(-self.scale * self.scale)?.f_exp()?;
        z.f_mul_scalar(self.omega)?.f_cos()?.f_mul(&bell)
    }

    fn bounds(&self, _: LayerPosition, inputs: usize) -> Bounds {
        plain(inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Gabor { omega: self.omega as f32, factor: (self.scale * self.scale) as f32 })
    }
}
