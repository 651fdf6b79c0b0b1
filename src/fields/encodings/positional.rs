//! γ(v) = [.., cos π(2σ)^(j/m) v, sin π(2σ)^(j/m) v, ..] for j = 0 .. m−1: waves along the axes, frequencies log-linear
//! from ½ (once around the box) to almost σ. Tancik et al., "Fourier Features Let Networks Learn High Frequency
//! Functions in Low Dimensional Domains", NeurIPS 2020, §6, whose σ is per the whole box and so twice this one: its
//! 2πσ^(j/m) u with u = (v + 1) / 2. σ sets the finest detail: about half as many cycles as there are voxels in half
//! the longest extent at most.

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
    /// m, frequencies per coordinate.
    pub frequencies: usize,
    /// σ, the frequency that the last ones approach, cycles per unit of the field coordinates.
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
