//! Flux drift: the source's intensity differs from view to view from that of the air scan.
//!
//! I0(view) = I0 (1 + trend t) e^{sd N}, where t runs from 0 at the first view to 1 at the last and N is standard
//! normal. All line integrals of a view shift by −ln of that factor, which reconstructs to rings and shading.

use crate::error::{Error, Result};
use crate::random;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `flux_drift: {trend, sd}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DriftConfig {
    /// Relative change of the flux from the first view to the last, -0.9 to 10, such as -0.02 for a tube that loses 2
    /// percent.
    pub trend: f64,
    /// Standard deviation of ln(flux) from view to view, 0 to 0.5 (for small values the relative standard deviation).
    pub sd: f64,
}

impl DriftConfig {
    /// Checks the ranges of the values.
    ///
    /// # Errors
    /// A trend that is not -0.9 to 10, a standard deviation that is not 0 to 0.5.
    pub fn check(&self) -> Result<()> {
        if !(-0.9..=10.0).contains(&self.trend) {
            return Err(Error::config("trend", format!("expected -0.9 to 10, got {}", self.trend)));
        }
        if !(0.0..=0.5).contains(&self.sd) {
            return Err(Error::config("sd", format!("expected 0 to 0.5, got {}", self.sd)));
        }
        Ok(())
    }

    /// Flux of a view relative to that of the air scan.
    pub(super) fn factor(&self, view: usize, views: usize, seed: u64) -> f64 {
        let normal: f64 = StandardNormal.sample(&mut random::stream(seed, "flux drift", view as u64));
        let time = if views > 1 { view as f64 / (views - 1) as f64 } else { 0.0 };
        (1.0 + self.trend * time) * (self.sd * normal).exp()
    }
}
