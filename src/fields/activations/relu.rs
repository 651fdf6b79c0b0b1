//! φ(z) = max(0, z). Nair and Hinton, ICML 2010; initial weights after He et al., ICCV 2015. Piecewise linear and
//! cheap: the usual choice after an encoding that represents the detail (hash grid, dense grid, Fourier features).

use super::{Activation, Bounds, LayerPosition, rectifier};
use crate::error::Result;
use crate::fields::kernels::pointwise::Pointwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// `relu: {}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Activation for Config {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError> {
        z.f_relu()
    }

    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds {
        rectifier(0.0, place, inputs)
    }

    fn pointwise(&self) -> Option<Pointwise> {
        Some(Pointwise::Rectifier { slope: 0.0 })
    }
}
