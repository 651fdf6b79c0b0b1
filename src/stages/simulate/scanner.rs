//! Conversion of the scanner's keys: beam, detector effects, water precorrection.

use super::Config;
use crate::data::{MU_WATER_PER_MM, Projections};
use crate::error::{Error, Result};
use crate::formats;
use crate::physics::{Beam, Effects, Emission, WaterCorrection};

impl Config {
    /// Beam of the configured spectrum, read from its file if it has one; `None` without a spectrum.
    ///
    /// # Errors
    /// A table that cannot be read, or invalid values.
    pub fn beam(&self) -> Result<Option<Beam>> {
        let Some(spectrum) = &self.spectrum else {
            return match self.water_precorrection {
                Some(_) => {
                    Err(Error::config("simulate.water_precorrection", "there is nothing to correct without a spectrum")
                        .hint("add `spectrum: {tube: {}}`, or leave it out"))
                }
                None => Ok(None),
            };
        };
        let under = |error: Error| error.under("simulate.spectrum");
        spectrum.keys.check().map_err(under)?;
        let emission: &dyn Emission = spectrum.kind.as_part();
        let rows = emission.path().map(formats::spectrum::read).transpose()?.unwrap_or_default();
        let photons = emission.photons(&rows).map_err(under)?;
        if let Some(precorrection) = &self.water_precorrection {
            precorrection.check().map_err(|error| error.under("simulate.water_precorrection"))?;
        }
        Beam::new(&photons, spectrum.keys.response.unwrap_or_default())
            .map(Some)
            .map_err(|error| error.under("simulate"))
    }

    /// The configured effects of the detector.
    #[must_use]
    pub fn effects(&self) -> Effects<'_> {
        Effects {
            noise: self.noise.as_ref(),
            scatter: self.scatter.as_ref(),
            flux_drift: self.flux_drift.as_ref(),
            blur: self.blur.as_ref(),
            bad_pixels: self.bad_pixels.as_ref(),
        }
    }

    /// The projections after the water precorrection, if configured.
    pub(super) fn precorrected(&self, measured: Projections, beam: Option<&Beam>) -> Result<Projections> {
        let (Some(precorrection), Some(beam)) = (&self.water_precorrection, beam) else { return Ok(measured) };
        let most = measured.as_slice().iter().copied().fold(0.0, f32::max);
        WaterCorrection::fit(beam, precorrection, f64::from(most))?.apply_all(&measured)
    }
}

/// Attenuation of water for the beam, 1/mm; the standard value without a spectrum.
pub(super) fn mu_water(beam: Option<&Beam>) -> f64 {
    beam.map_or(MU_WATER_PER_MM, Beam::mu_water)
}
