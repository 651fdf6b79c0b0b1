//! γ(v) = [cos 2πBv, sin 2πBv], the entries of B `[features, inputs]` drawn from N(0, σ²): Gaussian Fourier features.
//! Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains", NeurIPS
//! 2020, eq. 5. Best of the wave encodings there, as it knows no preferred axes; σ must fit the data: too small blurs,
//! too large is grain.

use super::{Built, Encoding, waves};
use crate::error::Result;
use crate::random::stream;
use crate::require;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// `fourier: {features, sigma}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Waves; each gives a cosine and a sine.
    pub features: usize,
    /// σ, standard deviation of the frequencies, cycles per unit of the field coordinates.
    pub sigma: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { features: 128, sigma: 4.0 }
    }
}

impl Encoding for Config {
    fn check(&self, _: usize) -> Result<()> {
        require::within("features", self.features, 1..=4096)?;
        require::positive("sigma", self.sigma)?;
        Ok(())
    }

    fn width(&self, _: usize) -> usize {
        2 * self.features
    }

    fn build(&self, inputs: usize, seed: u64, options: (Kind, Device)) -> Result<Built> {
        self.check(inputs)?;
        let mut random = stream(seed, "fourier features", 0);
        let mut draw = || -> f64 { StandardNormal.sample(&mut random) };
        let frequencies: Vec<f64> = (0..self.features * inputs).map(|_| self.sigma * draw()).collect();
        waves::build(&frequencies, inputs, true, options)
    }
}
