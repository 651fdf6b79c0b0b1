//! φ(z) = sin(ω z), with the initial weights of SIREN: first layer U(±1/inputs), others U(±√(6/inputs)/ω). Sitzmann et
//! al., "Implicit Neural Representations with Periodic Activation Functions", NeurIPS 2020, §3.2. With the `identity`
//! encoding it is the same network as `siren`, which is computed faster; after Fourier features it is the network of
//! NeRP (Shen et al., IEEE TNNLS 2022).

use super::{Activation, Bounds, LayerPosition, periodic};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `sine: {omega}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Frequency factor ω, greater than 0.
    pub omega: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { omega: 30.0 }
    }
}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        require::positive("omega", self.omega)
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        z.f_mul_scalar(self.omega)?.f_sin()
    }

    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds {
        periodic(self.omega, place, inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Sine { omega: self.omega as f32 })
    }
}
