//! Detector blur: light that spreads in the scintillator (a Gaussian point-spread function) and crosstalk between
//! neighbours.
//!
//! Both act on the counted quanta, so that noise is blurred with the image, as in detectors that convert X-rays to
//! light; electronic noise comes after them. The modulation transfer function of the Gaussian is exp(−2π² sd² f²) for
//! frequencies well below the detector's Nyquist frequency; that of crosstalk is 1 − 2 c (1 − cos 2π f pitch) along
//! each axis.

use super::kernel::{BlurKernel, Smoothing};
use crate::data::Geometry;
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `blur: {sd_mm, crosstalk}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BlurConfig {
    /// Standard deviation of the point-spread function on the detector, mm.
    pub sd_mm: f64,
    /// Part of a pixel's signal that leaks into each of its neighbours along a row, and along a column.
    pub crosstalk: f64,
}

impl BlurConfig {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// A standard deviation that is not 0 to 100 mm, a crosstalk that is not 0 to 0.25.
    pub fn check(&self) -> Result<()> {
        if !(0.0..=100.0).contains(&self.sd_mm) {
            return Err(Error::config("sd_mm", format!("expected 0 to 100 mm, got {}", self.sd_mm)));
        }
        if !(0.0..=0.25).contains(&self.crosstalk) {
            return Err(Error::config("crosstalk", format!("expected 0 to 0.25, got {}", self.crosstalk)));
        }
        Ok(())
    }

    pub(super) fn smoothing(&self, geometry: &Geometry) -> Smoothing {
        let mut smoothing = Smoothing::gaussian(self.sd_mm, geometry);
        if self.crosstalk > 0.0 {
            let along = |pixels: usize| (pixels > 1).then(|| BlurKernel::neighbours(self.crosstalk));
            smoothing.along_u.extend(along(geometry.detector.columns));
            smoothing.along_v.extend(along(geometry.detector.rows));
        }
        smoothing
    }
}
