//! γ(v) = [cos 2πBv, sin 2πBv], the entries of B `[features, inputs]` drawn from N(0, σ²): Gaussian Fourier features.
//! Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains", NeurIPS
//! 2020, eq. 5. The best wave encoding in that paper, because it prefers no axis. σ must fit the data: if it is too
//! small the volume is blurred, if it is too large the volume is grainy.

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
    /// Number of waves, 1 to 4096; each gives a cosine and a sine.
    pub features: usize,
    /// Standard deviation σ of the frequencies, cycles per unit of the field coordinates (half the longest extent);
    /// greater than 0.
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
