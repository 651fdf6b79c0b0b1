//! γ(v) = [.., cos π(2σ)^(j/m) v, sin π(2σ)^(j/m) v, ..] for j = 0 .. m−1: waves along the axes, with logarithmically
//! spaced frequencies from ½ (one period across the box) to almost σ. Tancik et al., "Fourier Features Let Networks
//! Learn High Frequency Functions in Low Dimensional Domains", NeurIPS 2020, §6: their 2πσ^(j/m) u with u = (v + 1) /
//! 2, whose σ counts cycles across the whole box and so is twice the σ here. σ sets the finest detail; the Nyquist
//! frequency is a quarter of the number of voxels across the box's longest extent.

use super::{Built, Encoding, waves};
use crate::error::{Error, Result};
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// `positional: {frequencies, sigma}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of frequencies m per coordinate, 1 to 1024.
    pub frequencies: usize,
    /// Upper limit σ of the frequencies, cycles per unit of the field coordinates (half the longest extent); 1 or more.
    pub sigma: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { frequencies: 16, sigma: 32.0 }
    }
}

impl Encoding for Config {
    fn check(&self, _: usize) -> Result<()> {
        require::within("frequencies", self.frequencies, 1..=1024)?;
        if !(self.sigma.is_finite() && self.sigma >= 1.0) {
            return Err(Error::config("sigma", format!("expected a number of 1 or more, got {}", self.sigma)));
        }
        Ok(())
    }

    fn width(&self, inputs: usize) -> usize {
        2 * inputs * self.frequencies
    }

    fn build(&self, inputs: usize, _: u64, options: (Kind, Device)) -> Result<Built> {
        self.check(inputs)?;
        let frequencies =
            (0..self.frequencies).map(|j| 0.5 * (2.0 * self.sigma).powf(j as f64 / self.frequencies as f64));
        waves::build(&waves::along_axes(frequencies, inputs), inputs, false, options)
    }
}
