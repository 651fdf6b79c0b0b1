//! Optional corrections of measured line integrals: drift of the source, bad pixels, rings, beam hardening. Each one
//! reports the size of its change.

mod drift;
mod hardening;
mod pixels;
mod rings;

pub(super) use hardening::straightened;

use crate::data::{Warning, Warnings};
use crate::error::{Error, Result};
use ndarray::Array3;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Corrections of the line integrals, in the order in which they are applied.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Corrections {
    /// Correct a drift of the source's intensity: subtract from each view the median of the pixels that see air in
    /// every view.
    pub drift: bool,
    /// Interpolate pixels that differ from their neighbours by more than this many robust standard deviations of the
    /// differences of all pixels, in at least three quarters of the views; at least 3, such as 8. `null`: no
    /// correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_pixels: Option<f64>,
    /// Window of the sorting filter against ring artefacts, detector columns: odd, at least 3 and more than twice the
    /// width of the widest stripe in the sinogram, such as 5 for hundreds of columns or 21 for thousands. `null`: no
    /// filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rings: Option<usize>,
    /// Correction of beam hardening by one material, the polynomial p + a2 p^2 + a3 p^3 + ... of the line integrals p:
    /// `auto`, or its coefficients [a2, a3, ...]. `null`: no correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beam_hardening: Option<Hardening>,
}

/// Polynomial that corrects beam hardening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected auto, or coefficients such as [0.05]")]
pub enum Hardening {
    /// Coefficients [a2, a3, ...] of the powers from the second on.
    Coefficients(Vec<f64>),
    /// Search for the coefficient a2.
    Found(AutoHardening),
}

/// The word `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AutoHardening {
    /// The coefficient a2 with which a quick reconstruction explains the data best.
    Auto,
}

impl Corrections {
    /// Refuses invalid values.
    ///
    /// # Errors
    /// [`Error::Config`] with the key and the expected value.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(sigma) = self.bad_pixels.filter(|sigma| !(sigma.is_finite() && *sigma >= 3.0)) {
            return Err(Error::config("bad_pixels", format!("expected 3 or more, got {sigma}")));
        }
        if let Some(window) = self.rings.filter(|window| *window < 3 || *window % 2 == 0) {
            return Err(Error::config("rings", format!("expected an odd number of columns from 3 on, got {window}")));
        }
        match &self.beam_hardening {
            Some(Hardening::Coefficients(list)) if list.is_empty() || list.iter().any(|a| !a.is_finite()) => {
                Err(Error::config("beam_hardening", format!("expected finite coefficients [a2, ...], got {list:?}")))
            }
            _ => Ok(()),
        }
    }

    /// Applies the corrections that need no geometry: drift, bad pixels, rings. A warning reports the change of each.
    ///
    /// # Errors
    /// Data to which a correction cannot be applied, with the key.
    pub(super) fn apply(&self, integrals: &mut Array3<f32>) -> Result<Warnings> {
        let mut warnings = Warnings::new();
        if self.drift {
            warnings.push(drift::level(integrals)?);
        }
        if let Some(sigma) = self.bad_pixels {
            warnings.push(pixels::interpolate(integrals, sigma));
        }
        if let Some(window) = self.rings {
            warnings.push(rings::sort(integrals, window)?);
        }
        Ok(warnings)
    }
}

/// Root mean square; 0 for no values.
fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value * value, count + 1.0));
    if count > 0.0 { (sum / count).sqrt() } else { 0.0 }
}

/// Warning that reports the change by a correction: its RMS in % of the RMS of the data, and its largest absolute
/// value.
fn taken(code: &str, what: &str, before: &Array3<f32>, after: &Array3<f32>) -> Warning {
    let difference = || before.iter().zip(after).map(|(a, b)| f64::from(a - b));
    let part = 100.0 * rms(difference()) / rms(before.iter().map(|&v| f64::from(v))).max(f64::MIN_POSITIVE);
    let most = difference().fold(0.0, |most: f64, value| most.max(value.abs()));
    Warning::new(code, format!("{what} changed the line integrals by {part:.3} % (RMS), at most {most:.4}"))
}
