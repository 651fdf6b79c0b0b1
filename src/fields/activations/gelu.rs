//! φ(z) = z Φ(z), with Φ the cumulative distribution function of N(0, 1). Hendrycks and Gimpel, "Gaussian Error Linear
//! Units", 2016. A smooth ReLU: for the same uses, without kinks in the volume.

use super::{Activation, Bounds, LayerPosition, rectifier};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `gelu: {}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        z.f_gelu("none")
    }

    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds {
        rectifier(0.0, place, inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Gelu)
    }
}
