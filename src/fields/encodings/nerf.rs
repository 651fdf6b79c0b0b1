//! γ(v) = [.., cos 2ᵏπv, sin 2ᵏπv, ..] for k = 0 .. L−1: waves along the axes, one per octave. Mildenhall et al.,
//! "NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis", ECCV 2020, eq. 4. The finest wave has
//! 2^(L−2) cycles per unit of the field coordinates: L = 2 + log₂ (a quarter of the voxels across) reaches the Nyquist
//! frequency of a grid.

use super::{Built, Encoding, waves};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// `nerf: {octaves}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of octaves L per coordinate, 1 to 24.
    pub octaves: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { octaves: 8 }
    }
}

impl Encoding for Config {
    fn check(&self, _: usize) -> Result<()> {
        if (1..=24).contains(&self.octaves) {
            return Ok(());
        }
        Err(Error::config("octaves", format!("expected 1 to 24, got {}", self.octaves)))
    }

    fn width(&self, inputs: usize) -> usize {
        2 * inputs * self.octaves
    }

    fn build(&self, inputs: usize, _: u64, options: (Kind, Device)) -> Result<Built> {
        self.check(inputs)?;
        let frequencies = (0..self.octaves).map(|k| 0.5 * f64::powi(2.0, k as i32));
        waves::build(&waves::along_axes(frequencies, inputs), inputs, false, options)
    }
}
