//! Statistical weights of the rays: inverse variances of the line integrals, from their photon counts.
//!
//! A ray of n = I₀ e^{−y} photons and electronic noise of standard deviation s has, after the logarithm, the variance
//! 1/n + s²/n² (K. Sauer, C. Bouman, IEEE Trans. Signal Process. 41, 1993). The model error (discretisation, projector,
//! scatter) adds m². Without it, rays through air would have thousands of times the weight of rays through bone,
//! although the model does not predict them that accurately.

use super::Setup;
use super::weight::discrepancy::noise_in_air;
use crate::data::{Projections, Warning};
use crate::error::{Error, Result};
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Noise model of the projections, from which the rays are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Statistics {
    /// Photons I₀ that one pixel counts in one view without an object in the beam.
    pub photons: f64,
    /// Standard deviation s of the electronic noise, in photons.
    pub electronic_sd: f64,
    /// Standard deviation m of the model error, as a line integral (unitless; 1 is a factor of e in the counts).
    pub model_sd: f64,
}

impl Default for Statistics {
    fn default() -> Self {
        Self { photons: 1e5, electronic_sd: 0.0, model_sd: 0.05 }
    }
}

impl Statistics {
    /// Refuses values out of range, and measurements other than X-rays; the error names the key relative to this part.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self, setup: &Setup<'_>) -> Result<()> {
        setup.geometry()?;
        self.check_numbers()
    }

    fn check_numbers(&self) -> Result<()> {
        for (key, value, least) in [
            ("photons", self.photons, f64::MIN_POSITIVE),
            ("electronic_sd", self.electronic_sd, 0.0),
            ("model_sd", self.model_sd, 0.0),
        ] {
            if !(value.is_finite() && value >= least) {
                let expected = if least > 0.0 { "a positive number" } else { "0 or more" };
                return Err(Error::config(key, format!("expected {expected}, got {value}")));
            }
        }
        Ok(())
    }

    /// Weights wᵢ = (1/I₀) / (1/nᵢ + s²/nᵢ² + m²) of line integrals y, in their shape; w = 1 in air if s = m = 0.
    ///
    /// # Errors
    /// Memory.
    pub fn weights(&self, integrals: &Tensor) -> Result<Tensor> {
        let run = || -> std::result::Result<Tensor, TchError> {
            // Only noise makes the transmission exceed 1; limit it.
            let starving = integrals.f_clamp(-1.0, 40.0)?.f_exp_()?;
            let electronic =
                starving.f_mul_scalar(self.electronic_sd * self.electronic_sd / self.photons)?.f_add_scalar_(1.0)?;
            starving.f_mul(&electronic)?.f_add_scalar_(self.model_sd * self.model_sd * self.photons)?.f_reciprocal_()
        };
        run().map_err(torch_error)
    }
}

/// Noise (standard deviation of a line integral, root mean square over the rays) above which [`unequal`] gives a
/// warning; the discretisation error is about as large.
const NOISY: f64 = 0.05;
/// Factor by which it must also exceed the noise of the median ray.
const UNEQUAL: f64 = 3.0;

/// A warning if equally weighted rays differ much in their noise: few photons pass dense parts, so that the noise of a
/// few rays makes up most of the misfit. The noise is estimated from the projections ([`noise_in_air`]), with the
/// variance e^y / I₀ of counted photons.
#[must_use]
pub fn unequal(data: &Projections) -> Option<Warning> {
    let air = noise_in_air(data);
    let mut variances: Vec<f64> = data.as_slice().iter().map(|&y| f64::from(y).clamp(0.0, 40.0).exp()).collect();
    if air <= 0.0 || variances.is_empty() {
        return None;
    }
    let all = air * (variances.iter().sum::<f64>() / variances.len() as f64).sqrt();
    let middle = variances.len() / 2;
    let median = air * variances.select_nth_unstable_by(middle, f64::total_cmp).1.sqrt();
    (all > NOISY && all > UNEQUAL * median).then(|| {
        let message = format!(
            "rays are weighted equally, but their noise differs: its standard deviation, in line integrals, is \
             estimated as {median:.3} for half of them and {all:.2} in the mean, as behind dense parts that few \
             photons pass; set noise: {{photons: N}}, N photons per pixel in air"
        );
        Warning::new("unequal_noise", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_inverse_variances() {
        let statistics = Statistics { photons: 1000.0, electronic_sd: 5.0, model_sd: 0.1 };
        let found = Vec::<f64>::try_from(statistics.weights(&Tensor::from_slice(&[0.0, 2.0])).unwrap()).unwrap();
        for (y, weight) in [0.0f64, 2.0].into_iter().zip(found) {
            let n = 1000.0 * (-y).exp();
            let variance = 1.0 / n + 25.0 / (n * n) + 0.01;
            assert!((weight * 1000.0 * variance - 1.0).abs() < 1e-12, "{y}: {weight}");
        }
    }

    #[test]
    fn a_ray_that_let_nothing_through_has_next_to_no_weight_and_stays_a_number() {
        let statistics = Statistics { electronic_sd: 10.0, ..Statistics::default() };
        let found = Vec::<f32>::try_from(statistics.weights(&Tensor::from_slice(&[1e6f32, -1e6])).unwrap()).unwrap();
        assert!(found[0] >= 0.0 && found[0] < 1e-20 && found[1].is_finite(), "{found:?}");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        let wrong = Statistics { model_sd: f64::NAN, ..Statistics::default() };
        assert!(wrong.check_numbers().unwrap_err().to_string().contains("model_sd"));
        let wrong = Statistics { photons: 0.0, ..Statistics::default() };
        assert!(wrong.check_numbers().unwrap_err().to_string().contains("photons"));
    }
}
