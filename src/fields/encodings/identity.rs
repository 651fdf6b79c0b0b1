//! γ(v) = v: the plain coordinates. For networks that generate high frequencies themselves (sine, FINER, Gabor and
//! Gaussian activations); with ReLU only very smooth volumes are learned (Rahaman et al., "On the Spectral Bias of
//! Neural Networks", ICML 2019).

use super::{Built, Encoder, Encoding};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// `identity: {}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

#[derive(Debug)]
struct Identity;

impl Encoder for Identity {
    fn encode(&self, points: &Tensor) -> std::result::Result<Tensor, TchError> {
        Ok(points.shallow_clone())
    }
}

impl Encoding for Config {
    fn check(&self, _: usize) -> Result<()> {
        Ok(())
    }

    fn width(&self, inputs: usize) -> usize {
        inputs
    }

    fn build(&self, _: usize, _: u64, _: (Kind, Device)) -> Result<Built> {
        Ok(Built { encoder: Box::new(Identity), parameters: Vec::new() })
    }
}
