//! What labs correct by hand in measured line integrals: drift of the source, bad pixels, rings, beam hardening. All
//! are off unless asked for, and each says by a figure what it took away.

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

/// Corrections of the line integrals, in the order in which they are made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Corrections {
    /// Bring the pixels that see air in every view to zero, view by view: the source drifts.
    pub drift: bool,
    /// Interpolate pixels that differ from their neighbours by so many robust standard deviations of all pixels'
    /// differences, in three quarters of the views at least (such as 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_pixels: Option<f64>,
    /// Columns of the sorting filter against rings, odd, more than twice the widest stripe of the sinogram: such as 5
    /// for hundreds of columns, 21 for thousands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rings: Option<usize>,
    /// Beam hardening of one material: auto, or the coefficients [a2, a3, ...] of p + a2 p^2 + a3 p^3 + ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beam_hardening: Option<Hardening>,
}

/// How line integrals are straightened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected auto, or coefficients such as [0.05]")]
pub enum Hardening {
    /// Coefficients of the powers from the second on.
    Coefficients(Vec<f64>),
    /// To be found.
    Found(AutoHardening),
}

/// The word `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AutoHardening {
    /// The coefficient a2 with which the views fit together best.
    Auto,
}

impl Corrections {
    /// Refuses what cannot be.
    ///
    /// # Errors
    /// The key and what it should be.
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

    /// Makes those that need no geometry: drift, bad pixels, rings. What each took away is a warning.
    ///
    /// # Errors
    /// Data that a correction cannot work on, with the key.
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

/// Root of the mean square.
fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value * value, count + 1.0));
    if count > 0.0 { (sum / count).sqrt() } else { 0.0 }
}

/// What a correction took away: its RMS in % of that of the data, and its largest value.
fn taken(code: &str, what: &str, before: &Array3<f32>, after: &Array3<f32>) -> Warning {
    let difference = || before.iter().zip(after).map(|(a, b)| f64::from(a - b));
    let part = 100.0 * rms(difference()) / rms(before.iter().map(|&v| f64::from(v))).max(f64::MIN_POSITIVE);
    let most = difference().fold(0.0, |most: f64, value| most.max(value.abs()));
    Warning::new(code, format!("{what} took away {part:.3} % (RMS) of the line integrals, at most {most:.4}"))
}
