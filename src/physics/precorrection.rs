//! Water precorrection: the correction for beam hardening that scanners apply before reconstruction.
//!
//! The measured line integral p_poly(L) of L mm of water is known, so its inverse is fitted once: P = Σ_k c_k p^k (k ≥
//! 1, least squares on Chebyshev points; G. T. Herman, Phys. Med. Biol. 24, 81, 1979). This removes cupping in water;
//! streaks between bones or metal remain, because their attenuation curves differ from that of water.

use super::beam::Beam;
use crate::data::Projections;
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `water_precorrection: {degree}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrecorrectionConfig {
    /// Degree of the polynomial, 1 to 8; default 6.
    pub degree: usize,
}

impl Default for PrecorrectionConfig {
    fn default() -> Self {
        Self { degree: 6 }
    }
}

impl PrecorrectionConfig {
    /// Checks the range of the degree.
    ///
    /// # Errors
    /// A degree that is not 1 to 8.
    pub fn check(&self) -> Result<()> {
        if (1..=8).contains(&self.degree) {
            return Ok(());
        }
        Err(Error::config("degree", format!("expected 1 to 8, got {}", self.degree)))
    }
}

/// Number of points of the water curve that are fitted.
const POINTS: usize = 200;
/// Smallest and largest upper end of the fit, as measured line integrals.
const RANGE: [f64; 2] = [2.0, 14.0];

/// Polynomial inverse of the water curve of a beam.
#[derive(Debug, Clone, PartialEq)]
pub struct WaterCorrection {
    /// Coefficients c_k of (p / `end`)^k for k = 1, 2, ...
    coefficients: Vec<f64>,
    end: f64,
}

impl WaterCorrection {
    /// Fits the inverse for measured line integrals from 0 to `most` (clamped to 2 to 14).
    ///
    /// # Errors
    /// As [`PrecorrectionConfig::check`].
    pub fn fit(beam: &Beam, config: &PrecorrectionConfig, most: f64) -> Result<Self> {
        config.check()?;
        let most = if most.is_finite() { most.clamp(RANGE[0], RANGE[1]) } else { RANGE[1] };
        let (mut low, mut thickest) = (0.0, 1.0);
        while beam.water(thickest) < most && thickest < 1e3 {
            (low, thickest) = (thickest, thickest * 1.5);
        }
        for _ in 0..40 {
            let middle = f64::midpoint(low, thickest);
            if beam.water(middle) < most { low = middle } else { thickest = middle }
        }
        let chebyshev = |k: usize| 0.5 - 0.5 * ((k as f64 + 0.5) * std::f64::consts::PI / POINTS as f64).cos();
        let ideal: Vec<f64> = (0..POINTS).map(|k| thickest * chebyshev(k)).collect();
        let end = beam.water(thickest);
        let measured: Vec<f64> = ideal.iter().map(|&p| beam.water(p) / end).collect();
        let columns = (1..=config.degree).map(|k| measured.iter().map(|t| t.powi(k as i32)).collect()).collect();
        Ok(Self { coefficients: least_squares(columns, ideal), end })
    }

    /// Corrects a measured line integral to that at the reference energy, assuming that all of it is water. Beyond the
    /// fitted range the polynomial is continued linearly.
    #[must_use]
    pub fn apply(&self, p: f64) -> f64 {
        let t = p / self.end;
        let inside = t.clamp(0.0, 1.0);
        let value = self.coefficients.iter().rev().fold(0.0, |sum, c| (sum + c) * inside);
        let slope =
            self.coefficients.iter().enumerate().rev().fold(0.0, |sum, (k, c)| sum * inside + (k as f64 + 1.0) * c);
        value + (t - inside) * slope
    }

    /// [`WaterCorrection::apply`] for every sample.
    ///
    /// # Errors
    /// Never for projections that were checked.
    pub fn apply_all(&self, measured: &Projections) -> Result<Projections> {
        let values = measured.as_slice().iter().map(|&p| self.apply(f64::from(p)) as f32).collect();
        Projections::from_vec(measured.geometry.clone(), values)
    }
}

/// Coefficients x that minimise |Σ_k x_k column_k − target|², by modified Gram-Schmidt orthogonalisation.
fn least_squares(mut columns: Vec<Vec<f64>>, mut target: Vec<f64>) -> Vec<f64> {
    let n = columns.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (mut upper, mut right) = (vec![vec![0.0; n]; n], vec![0.0; n]);
    for k in 0..n {
        let norm = dot(&columns[k], &columns[k]).sqrt();
        upper[k][k] = norm;
        columns[k].iter_mut().for_each(|x| *x /= norm);
        let unit = columns[k].clone();
        for j in k + 1..n {
            upper[k][j] = dot(&unit, &columns[j]);
            columns[j].iter_mut().zip(&unit).for_each(|(x, u)| *x -= upper[k][j] * u);
        }
        right[k] = dot(&unit, &target);
        target.iter_mut().zip(&unit).for_each(|(x, u)| *x -= right[k] * u);
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| upper[k][j] * right[j]).sum();
        right[k] = (right[k] - known) / upper[k][k];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::super::beam::Response;
    use super::super::spectrum::{Emission, Tube};
    use super::*;

    #[test]
    fn water_of_any_thickness_is_given_back() {
        for kilovolts in [60.0, 80.0, 120.0, 150.0] {
            let photons = Tube { kilovolts, ..Tube::default() }.photons(&[]).unwrap();
            let beam = Beam::new(&photons, Response::EnergyIntegrating).unwrap();
            let correction = WaterCorrection::fit(&beam, &PrecorrectionConfig::default(), 8.0).unwrap();
            let worst = (0..80)
                .map(|k| 0.1 * f64::from(k))
                .map(|p| (correction.apply(beam.water(p)) - p).abs())
                .fold(0.0, f64::max);
            assert!(worst < 2e-3, "{kilovolts} kV: {worst}");
            let uncorrected = 8.0 - beam.water(8.0);
            assert!(uncorrected > 0.3, "{kilovolts} kV: nothing to correct, {uncorrected}");
        }
    }

    #[test]
    fn one_energy_needs_no_correction_and_the_ends_go_on_straight() {
        let beam = Beam::new(&[[60.0, 1.0]], Response::PhotonCounting).unwrap();
        let correction = WaterCorrection::fit(&beam, &PrecorrectionConfig { degree: 3 }, 5.0).unwrap();
        for p in [-1.0, 0.0, 0.3, 4.9, 20.0] {
            assert!((correction.apply(p) - p).abs() < 1e-9, "{p}: {}", correction.apply(p));
        }
        assert!(
            PrecorrectionConfig { degree: 0 }.check().is_err() && PrecorrectionConfig { degree: 9 }.check().is_err()
        );
    }

    #[test]
    fn a_polynomial_is_fitted_exactly() {
        let x: Vec<f64> = (0..20).map(|k| f64::from(k) / 19.0).collect();
        let columns = (1..=3).map(|k| x.iter().map(|t| t.powi(k)).collect()).collect();
        let found = least_squares(columns, x.iter().map(|t| 2.0 * t - 3.0 * t * t + 0.5 * t.powi(3)).collect());
        assert!(found.iter().zip([2.0, -3.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-10), "{found:?}");
    }
}
