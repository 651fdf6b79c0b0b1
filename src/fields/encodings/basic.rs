//! γ(v) = [cos 2πv, sin 2πv]: one wave per coordinate, wrapped around the box. Tancik et al., "Fourier Features Let Networks
//! Learn High Frequency Functions in Low Dimensional Domains", NeurIPS 2020, §6: the "basic" mapping, a baseline that makes
//! the domain periodic but adds no frequencies. Here one period is half the box's longest extent.

use super::{Built, Encoding, waves};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// `basic: {}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Encoding for Config {
    fn check(&self, _: usize) -> Result<()> {
        Ok(())
    }

    fn width(&self, inputs: usize) -> usize {
        2 * inputs
    }

    fn build(&self, inputs: usize, _: u64, options: (Kind, Device)) -> Result<Built> {
        waves::build(&waves::along_axes(std::iter::once(1.0), inputs), inputs, false, options)
    }
}
