//! Detector blur: spread of light in the scintillator (a Gaussian point-spread function) and crosstalk between
//! neighbouring pixels.
//!
//! Both act on the counted quanta, so that noise is blurred with the image, as in indirect-conversion detectors;
//! electronic noise is added afterwards. The modulation transfer function of the Gaussian is exp(−2π² sd² f²) for
//! frequencies f well below the detector's Nyquist frequency; that of crosstalk c is 1 − 2 c (1 − cos 2π f pitch) along
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
    /// Standard deviation of the point-spread function on the detector, mm, 0 to 100; 0 (default) is no blur.
    pub sd_mm: f64,
    /// Fraction of a pixel's signal that leaks to each of its neighbours along rows and along columns, 0 (default) to
    /// 0.25.
    pub crosstalk: f64,
}

impl BlurConfig {
    /// Checks the ranges of the values.
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
