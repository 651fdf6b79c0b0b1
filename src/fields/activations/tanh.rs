//! φ(z) = tanh z; weights U(±1/√inputs), LeCun et al., "Efficient BackProp", 1998. Smooth and bounded; learns low
//! frequencies only, so it needs an encoding.

use super::{Activation, Bounds, LayerPosition, plain};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `tanh: {}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        z.f_tanh()
    }

    fn bounds(&self, _: LayerPosition, inputs: usize) -> Bounds {
        plain(inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Tanh)
    }
}
