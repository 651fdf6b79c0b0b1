//! γ(v) = [cos πv, sin πv]: one wave per coordinate with one period across the box. Tancik et al., "Fourier Features
//! Let Networks Learn High Frequency Functions in Low Dimensional Domains", NeurIPS 2020, §6: the "basic" mapping [cos
//! 2πu, sin 2πu] with u = (v + 1) / 2 from 0 to 1. A baseline that makes the domain periodic but adds no higher
//! frequencies.

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
        waves::build(&waves::along_axes(std::iter::once(0.5), inputs), inputs, false, options)
    }
}
