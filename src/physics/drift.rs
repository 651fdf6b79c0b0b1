//! Flux drift: the source is brighter or darker from view to view than when air was measured.
//!
//! I0(view) = I0 (1 + trend t) e^{sd N}, t from 0 at the first view to 1 at the last, N normal. All of a view's line
//! integrals shift by −ln of that factor, which reconstructs to rings and shading.

use crate::error::{Error, Result};
use crate::random;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `flux_drift: {trend, sd}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DriftConfig {
    /// Relative change from the first view to the last, such as -0.02 for a tube that loses 2 percent.
    pub trend: f64,
    /// Relative standard deviation from view to view.
    pub sd: f64,
}

impl DriftConfig {
    /// Whether the numbers make sense.
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

    /// Flux of a view over that of the air scan.
    pub(super) fn factor(&self, view: usize, views: usize, seed: u64) -> f64 {
        let normal: f64 = StandardNormal.sample(&mut random::stream(seed, "flux drift", view as u64));
        let time = if views > 1 { view as f64 / (views - 1) as f64 } else { 0.0 };
        (1.0 + self.trend * time) * (self.sd * normal).exp()
    }
}
