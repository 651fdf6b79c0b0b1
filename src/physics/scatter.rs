//! Scattered radiation: a smooth background that the object adds to the detector signal.
//!
//! S = k G ∗ (p e^−p) in units of the flux through air: p e^−p is the forward scatter potential (photons that met much
//! matter and were not absorbed), which a wide Gaussian G spreads over the detector (B. Ohnesorge, T. Flohr, K.
//! Klingenbeck-Regn, Eur. Radiol. 9, 563, 1999). One k for the whole scan is chosen so that total scatter divided by
//! total primary, both in the object's shadow, is the configured ratio. The measured p' = −ln(e^−p + S) is too low
//! where attenuation is high: cupping, and dark bands between dense parts.

use super::kernel::Smoothing;
use crate::data::Projections;
use crate::error::{Error, Result};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `scatter: {ratio, sd_mm}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScatterConfig {
    /// Scatter-to-primary ratio in the object's shadow, averaged over the whole scan, 0 to 10; default 0.1.
    pub ratio: f64,
    /// Standard deviation of the scatter's spread on the detector, mm, 1 to 1000; default 60.
    pub sd_mm: f64,
}

impl Default for ScatterConfig {
    fn default() -> Self {
        Self { ratio: 0.1, sd_mm: 60.0 }
    }
}

/// Line integrals above this fraction of the largest one count as the object's shadow.
const SHADOW: f32 = 0.05;

impl ScatterConfig {
    /// Checks the ranges of the values.
    ///
    /// # Errors
    /// A ratio that is not 0 to 10, a spread that is not 1 to 1000 mm.
    pub fn check(&self) -> Result<()> {
        if !(0.0..=10.0).contains(&self.ratio) {
            return Err(Error::config("ratio", format!("expected 0 to 10, got {}", self.ratio)));
        }
        if !(1.0..=1000.0).contains(&self.sd_mm) {
            return Err(Error::config("sd_mm", format!("expected 1 to 1000 mm, got {}", self.sd_mm)));
        }
        Ok(())
    }

    /// Scatter of every sample in C order `[view, row, column]`, relative to the flux through air.
    pub(super) fn of(&self, ideal: &Projections) -> Vec<f64> {
        let [_, rows, columns] = ideal.geometry.shape();
        let smoothing = Smoothing::gaussian(self.sd_mm, &ideal.geometry);
        let floor = SHADOW * ideal.as_slice().iter().copied().fold(0.0, f32::max);
        let primary = |p: f32| (-f64::from(p.max(0.0))).exp();
        let mut scatter: Vec<f64> = ideal.as_slice().iter().map(|&p| f64::from(p.max(0.0)) * primary(p)).collect();
        // Sums per view, then over the views in order, so that the result does not depend on the number of threads.
        let sums: Vec<[f64; 2]> = scatter
            .par_chunks_mut(rows * columns)
            .zip(ideal.as_slice().par_chunks(rows * columns))
            .map(|(image, p)| {
                smoothing.apply(image, columns);
                let shadow = image.iter().zip(p).filter(|(_, p)| **p > floor);
                shadow.fold([0.0; 2], |[scattered, passed], (s, &p)| [scattered + s, passed + primary(p)])
            })
            .collect();
        let [scattered, passed] = sums.iter().fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d]);
        let strength = if scattered > 0.0 { self.ratio * passed / scattered } else { 0.0 };
        for value in &mut scatter {
            *value *= strength;
        }
        scatter
    }
}
