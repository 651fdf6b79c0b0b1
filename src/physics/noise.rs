//! Photon and electronic noise.
//!
//! A pixel with line integral p counts N = Poisson(I0 e^−p) + Normal(0, sd), where I0 photons reach it through air, and
//! reports p' = −ln(max(N, 1) / I0). Negative p' (more counts than I0, in air) are kept: clipping them would bias air.
//! To first order p' has variance e^p/I0 (1 + e^p sd²/I0) and a bias of half of that (Ma et al., "Variance analysis of
//! x-ray CT sinograms in the presence of electronic noise background", Med. Phys. 39(7), 2012).
//!
//! `peak` is the protocol of published sparse-view benchmarks (TIGRE `CTnoise.add(..., Poisson=I0, Gaussian=[0, sd])`
//! as used by NAF, SAX-NeRF and R²-Gaussian): p is divided by its maximum over all views before the exposure and
//! multiplied by it afterwards, so that the lowest transmission is e^−1 whatever the object; negative results are then
//! set to 0. Its noise is far weaker than a detector's at the same I0 and does not correspond to any physical dose.

use crate::error::{Error, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest number of photons per pixel; beyond it the noise is smaller than the rounding of the projections.
const MOST_PHOTONS: f64 = 1e15;

/// `noise: {photons, electronic_sd, normalisation}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoiseConfig {
    /// I0: number of photons that reach a detector pixel through air, 1 to 1e15; default 1e5.
    pub photons: f64,
    /// Standard deviation of the electronic noise, in photons, 0 or more; default 10.
    pub electronic_sd: f64,
    /// physical (default) uses the line integrals as they are; peak first scales them to a maximum of 1, as some
    /// published benchmarks do.
    pub normalisation: Normalisation,
}

/// Exponent of the expected counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// The line integral itself.
    #[default]
    Physical,
    /// The line integral divided by the largest one of the scan, as in TIGRE's CTnoise; negative results become 0.
    Peak,
}

impl Default for NoiseConfig {
    fn default() -> Self {
        Self { photons: 1e5, electronic_sd: 10.0, normalisation: Normalisation::Physical }
    }
}

impl NoiseConfig {
    /// Checks the ranges of the values.
    ///
    /// # Errors
    /// A number of photons that is not between 1 and 1e15; an electronic noise that is not between 0 and 1e15 photons.
    pub fn check(&self) -> Result<()> {
        if !(1.0..=MOST_PHOTONS).contains(&self.photons) {
            return Err(Error::config(
                "photons",
                format!("expected 1 to {MOST_PHOTONS:e} photons per pixel, got {}", self.photons),
            )
            .hint("leave `noise` out for ideal projections"));
        }
        if !(0.0..=MOST_PHOTONS).contains(&self.electronic_sd) {
            return Err(Error::config(
                "electronic_sd",
                format!("expected 0 to {MOST_PHOTONS:e} photons, got {}", self.electronic_sd),
            ));
        }
        Ok(())
    }
}

impl NoiseConfig {
    /// Divisor of the line integrals before the exposure, by which the result is multiplied again.
    pub(super) fn scale(&self, values: &[f32]) -> f64 {
        match self.normalisation {
            Normalisation::Physical => 1.0,
            Normalisation::Peak => peak(values),
        }
    }

    /// Replaces the expected photons of one view by random counts; returns the electronic noise of each pixel, in
    /// photons.
    pub(super) fn count(&self, expected: &mut [f64], seed: u64, view: usize) -> Vec<f64> {
        let mut random = generator(seed, view);
        let mut one = |expected: &mut f64| {
            let electronic: f64 = StandardNormal.sample(&mut random);
            // The distribution rejects 0, where nothing is counted, and more than 2^64, where its noise is smaller than
            // rounding.
            *expected = Poisson::new(*expected).map_or(*expected, |poisson| poisson.sample(&mut random));
            self.electronic_sd * electronic
        };
        expected.iter_mut().map(&mut one).collect()
    }

    /// Message of the warning about pixels that counted less than one photon.
    pub(super) fn starved(&self, starved: u64, samples: usize) -> String {
        format!(
            "{starved} of {samples} detector pixels counted less than one photon and were set to one ({:.0} photons \
             through air): \
             the object is too dense for this dose",
            self.photons
        )
    }
}

/// Random stream number `view` of the generator keyed by the seed and the purpose.
fn generator(seed: u64, view: usize) -> ChaCha12Rng {
    let mut random = ChaCha12Rng::from_seed(blake3::derive_key("recon detector noise", &seed.to_le_bytes()));
    random.set_stream(view as u64);
    random
}

/// The largest line integral, or 1 if none is above 0.
fn peak(values: &[f32]) -> f64 {
    let largest = values.iter().copied().fold(0.0, f32::max);
    if largest > 0.0 { f64::from(largest) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::detector::{Effects, measure};
    use super::*;
    use crate::data::{Detector, DetectorShape, Geometry, Projections, Source, View, Warnings};

    fn add_noise(ideal: &Projections, noise: &NoiseConfig, seed: u64) -> Result<(Projections, Warnings)> {
        measure(ideal.clone(), &Effects { noise: Some(noise), ..Effects::default() }, seed)
    }

    fn flat(value: f32, views: usize) -> Projections {
        let view = View {
            source: Source::Direction([1.0, 0.0, 0.0]),
            center: [0.0; 3],
            u: [0.0, 1.0, 0.0],
            v: [0.0, 0.0, 1.0],
        };
        let detector = Detector { rows: 100, columns: 100, shape: DetectorShape::Flat };
        let geometry = Geometry::new(vec![view; views], detector, None).unwrap();
        Projections::from_vec(geometry, vec![value; views * 10_000]).unwrap()
    }

    fn config(photons: f64, electronic_sd: f64) -> NoiseConfig {
        NoiseConfig { photons, electronic_sd, normalisation: Normalisation::Physical }
    }

    fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let n = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / n;
        (mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
    }

    /// Expected mean and variance of p' to the order 1/λ², λ expected counts, for small electronic noise: from the
    /// expansion of ln(1 + x) with the central moments λ + s², λ and λ + 3(λ + s²)².
    fn theory(p: f64, photons: f64, sd: f64) -> (f64, f64) {
        let lambda = photons * (-p).exp();
        let (m2, m3) = ((lambda + sd * sd) / lambda.powi(2), lambda / lambda.powi(3));
        let m4 = (lambda + 3.0 * (lambda + sd * sd).powi(2)) / lambda.powi(4);
        let shift = m2 / 2.0 - m3 / 3.0 + m4 / 4.0;
        (p + shift, m2 - m3 + 2.0 / 3.0 * m4 + (m4 - m2 * m2) / 4.0)
    }

    #[test]
    fn mean_and_variance_are_those_of_theory() {
        for (p, photons, sd) in [(0.0, 1e4, 0.0), (2.0, 1e4, 0.0), (2.0, 1e4, 30.0), (4.0, 1e5, 10.0), (5.0, 1e4, 5.0)]
        {
            let (noisy, _) = add_noise(&flat(p as f32, 20), &config(photons, sd), 7).unwrap();
            let (mean, variance) = moments(noisy.as_slice().iter().map(|&v| f64::from(v)));
            let (expected, spread) = theory(p, photons, sd);
            let n = 200_000f64;
            assert!(
                (mean - expected).abs() < 4.0 * (spread / n).sqrt(),
                "p {p} I0 {photons} sd {sd}: mean {mean} against {expected}"
            );
            assert!(
                (variance / spread - 1.0).abs() < 0.02,
                "p {p} I0 {photons} sd {sd}: variance {variance} against {spread}"
            );
        }
    }

    #[test]
    fn few_counts_follow_the_poisson_distribution() {
        // 100 photons, p = 3.5: 3.02 expected counts. Chi-square with 9 degrees of freedom: 27.9 is exceeded once in
        // 1000.
        let lambda = 100.0 * (-3.5f64).exp();
        let (noisy, _) = add_noise(&flat(3.5, 10), &config(100.0, 0.0), 3).unwrap();
        let counts: Vec<usize> =
            noisy.as_slice().iter().map(|&v| (100.0 * f64::from(-v).exp()).round() as usize).collect();
        let mut probability = (-lambda).exp();
        let mut bins = vec![probability];
        for k in 1..10 {
            probability *= lambda / f64::from(k);
            bins.push(probability);
        }
        // Zero counts are reported as one.
        let folded = bins[0] + bins[1];
        bins.splice(0..2, [0.0, folded]);
        let tail = 1.0 - bins.iter().sum::<f64>();
        let found = |k: usize| counts.iter().filter(|&&c| c == k).count() as f64;
        let term = |found: f64, expected: f64| (found - expected).powi(2) / expected;
        let mut chi2: f64 = (1..10).map(|k| term(found(k), 1e5 * bins[k])).sum();
        chi2 += term(counts.iter().filter(|&&c| c >= 10).count() as f64, 1e5 * tail);
        assert!(chi2 < 27.9, "{chi2}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_at_any_number_of_threads_and_another_seed_others() {
        let ideal = flat(1.0, 6);
        let with = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| add_noise(&ideal, &config(1e4, 10.0), seed).unwrap().0)
        };
        assert_eq!(with(1, 5), with(4, 5));
        assert_ne!(with(1, 5), with(1, 6));
        let values = with(1, 5);
        assert_ne!(values.values().index_axis(ndarray::Axis(0), 0), values.values().index_axis(ndarray::Axis(0), 1));
    }

    #[test]
    fn air_keeps_its_negative_values() {
        let (noisy, warnings) = add_noise(&flat(0.0, 2), &config(1e4, 0.0), 1).unwrap();
        let negative = noisy.as_slice().iter().filter(|&&v| v < 0.0).count();
        assert!((8_000..12_000).contains(&negative) && warnings.is_empty());
    }

    #[test]
    fn starved_pixels_are_clamped_to_one_photon_and_counted() {
        let (noisy, warnings) = add_noise(&flat(60.0, 1), &config(1e4, 0.0), 1).unwrap();
        assert!(noisy.as_slice().iter().all(|&v| (f64::from(v) - 1e4f64.ln()).abs() < 1e-6));
        assert_eq!(warnings[0].code, "noise_clamped");
        assert!(warnings[0].message.starts_with("10000 of 10000"));
    }

    #[test]
    fn absurd_line_integrals_stay_finite() {
        for value in [3e38, -3e38, 800.0, -800.0] {
            let (noisy, _) = add_noise(&flat(value, 1), &config(1e5, 10.0), 1).unwrap();
            assert!(noisy.as_slice().iter().all(|v| v.abs() < 1e3), "{value}");
        }
    }

    #[test]
    fn the_peak_protocol_scales_clips_and_is_milder() {
        let peak = NoiseConfig { normalisation: Normalisation::Peak, ..config(1e4, 10.0) };
        let (noisy, warnings) = add_noise(&flat(6.0, 20), &peak, 9).unwrap();
        let (_, variance) = moments(noisy.as_slice().iter().map(|&v| f64::from(v)));
        // Every line integral is the peak: the noise is that of transmission e^-1, times the peak.
        let (_, spread) = theory(1.0, 1e4, 10.0);
        assert!((variance / (36.0 * spread) - 1.0).abs() < 0.02 && warnings.is_empty());
        let (air, _) = add_noise(&flat(0.0, 2), &peak, 9).unwrap();
        assert!(air.as_slice().iter().all(|&v| v >= 0.0) && air.as_slice().iter().any(|&v| v > 0.0));
    }

    #[test]
    fn impossible_noise_is_refused_with_its_key() {
        for (photons, sd, key) in [
            (0.0, 0.0, "photons"),
            (f64::NAN, 0.0, "photons"),
            (1e5, -1.0, "electronic_sd"),
            (1e5, f64::NAN, "electronic_sd"),
        ] {
            assert!(
                add_noise(&flat(1.0, 1), &config(photons, sd), 0)
                    .unwrap_err()
                    .to_string()
                    .starts_with(&format!("noise.{key}"))
            );
        }
    }
}
