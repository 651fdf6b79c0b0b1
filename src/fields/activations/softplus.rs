//! φ(z) = ln(1 + eᶻ). Dugas et al., NIPS 2000. A smooth ReLU with continuous derivatives of every order, for volumes
//! whose gradients are used.

use super::{Activation, Bounds, LayerPosition, rectifier};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `softplus: {}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        z.f_softplus()
    }

    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds {
        rectifier(0.0, place, inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Softplus)
    }
}
