//! Evaluation of a method on a measured scan by withheld views.
//!
//! First every tenth view is held out; the method reconstructs from the others, and the held-out views are predicted (A
//! by Joseph's method). Then the views are split into two halves of alternate views, and the Fourier shell correlation
//! of their two volumes is computed. Views are counted by angle, not in file order. The evaluation needs three more
//! reconstructions, from 0.9, 0.5 and 0.5 of the views.

use super::Method;
use crate::algorithms::Run;
use crate::context::Context;
use crate::data::{Projections, Volume};
use crate::error::{Error, Result};
use crate::metrics::fourier_shell;
use crate::operators::xray::kernels::joseph;
use crate::progress::{self, Silent};
use crate::stages::flow::Acquisition;
use crate::stages::withheld::Withheld;

/// One view in this many is held out.
const EVERY: usize = 10;
/// Smallest number of directions for the evaluation.
const FEWEST: usize = 20;
/// Number of second differences over which the noise is assumed to be uniform.
const WINDOW: usize = 48;
/// Robust standard deviation = this times the median absolute deviation.
const MAD: f64 = 1.4826;

/// Data for the evaluation: the scan, and all methods of the run, since one may start from another.
pub(super) struct CrossValidator<'a> {
    pub(super) methods: &'a [Method],
    pub(super) scan: &'a Acquisition,
    pub(super) context: &'a Context<'a>,
}

impl CrossValidator<'_> {
    /// Evaluates a method.
    ///
    /// # Errors
    /// [`Error::Stopped`]. Any other error becomes the reason for a missing value.
    pub(super) fn figures(&self, method: &Method) -> Result<Withheld> {
        let mut found = Withheld::default();
        let views = self.scan.projections.geometry.directions().len();
        if views < FEWEST {
            for key in Withheld::KEYS {
                found.reasons.insert(
                    key.to_string(),
                    format!("views from {views} directions are too few for cross-validation ({FEWEST} are needed)"),
                );
            }
            return Ok(found);
        }
        let [residual, noise, resolution] = Withheld::KEYS;
        match self.held_out(method) {
            Ok([error, unit]) => {
                found.residual = Some(error);
                found.noise = (unit > 0.0).then(|| error / unit);
                if found.noise.is_none() {
                    found.reasons.insert(noise.to_string(), "the data have no noise".to_string());
                }
            }
            Err(error @ Error::Stopped(_)) => return Err(error),
            Err(error) => {
                for key in [residual, noise] {
                    found.reasons.insert(key.to_string(), error.to_string());
                }
            }
        }
        match self.halves(method) {
            Ok(correlation) => {
                found.resolution_mm = Some(correlation.resolution_mm);
                found.shells = correlation.shells;
            }
            Err(error @ Error::Stopped(_)) => return Err(error),
            Err(error) => drop(found.reasons.insert(resolution.to_string(), error.to_string())),
        }
        Ok(found)
    }

    /// Relative error of the held-out views, and the relative error that their noise alone would give.
    fn held_out(&self, method: &Method) -> Result<[f64; 2]> {
        let [kept, out] = self.scan.projections.geometry.parted(EVERY, 0);
        let kept = self.scan.projections.part(&kept)?;
        let volume = self.volume(method, &kept, "without every tenth view")?;
        let out = self.scan.projections.part(&out)?;
        let mut predicted = vec![0.0; out.geometry.samples()];
        joseph::forward(&volume.grid, &out.geometry.views, &out.geometry.detector, volume.as_slice(), &mut predicted);
        let square = |value: f64| value * value;
        let given = out.as_slice();
        let missed: f64 = predicted.iter().zip(given).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
        let all: f64 = given.iter().map(|&value| square(f64::from(value))).sum();
        if all <= 0.0 {
            return Err(Error::input("projections", "the held-out views are all zero"));
        }
        let noise: f64 = given.chunks_exact(out.geometry.detector.columns).map(noise_energy).sum();
        Ok([(missed / all).sqrt(), (noise / all).sqrt()])
    }

    fn halves(&self, method: &Method) -> Result<fourier_shell::ShellCorrelation> {
        // `parted` keeps the first direction, so the kept views are the first half.
        let [first, second] = self.scan.projections.geometry.parted(2, 0);
        let half = |views: &[usize]| self.scan.projections.part(views);
        let a = self.volume(method, &half(&first)?, "first half of the views")?;
        let b = self.volume(method, &half(&second)?, "second half of the views")?;
        fourier_shell::correlate(&a, &b)
    }

    /// Volume of a method from some of the views, attenuation (1/mm). If the method starts from another one, that one
    /// also runs on these views.
    fn volume(&self, method: &Method, data: &Projections, what: &str) -> Result<Volume> {
        self.context.stop_signal().check_stop()?;
        if let Some(file) = method.kind.as_part().file() {
            let problem = format!("it starts from {}, which may know the withheld views", file.display());
            return Err(Error::input(&method.name, problem));
        }
        let start = method.start_from.as_ref().and_then(|name| self.methods.iter().find(|other| other.name == *name));
        let initial = start.map(|start| self.volume(start, data, what)).transpose()?;
        let label = format!("{}, {what}", method.name);
        let label = label.as_str();
        let _span = tracing::info_span!(target: progress::PART, "method", label).entered();
        let weights = super::weights_of(method.kind.as_part())?;
        let mut run = Run {
            device: self.context.machine.device,
            seed: self.context.seed,
            stop: self.context.stop_signal(),
            checkpoints: &Silent,
            initial,
            weights: weights.as_deref(),
        };
        let part = method.kind.as_part();
        let problem = method.problem(data, self.scan);
        method.accept(&problem.setup())?;
        Ok(method.discretisation.reconstruct(part, &problem, &mut run)?.volume)
    }
}

/// Σ σ² over the samples of a detector row. The noise σ is estimated from second differences along the row, (y₋ − 2 y +
/// y₊) / √6, by their median absolute value over short windows, which edges hardly affect. Noise that is correlated
/// between neighbouring pixels is underestimated.
fn noise_energy(row: &[f32]) -> f64 {
    if row.len() < 3 {
        return 0.0;
    }
    let curvature = |w: &[f32]| (f64::from(w[0]) - 2.0 * f64::from(w[1]) + f64::from(w[2])).abs() / 6f64.sqrt();
    let differences: Vec<f64> = row.windows(3).map(curvature).collect();
    let energy = |window: &[f64]| {
        let mut sorted = window.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = f64::midpoint(sorted[middle], sorted[(sorted.len() - 1) / 2]);
        (MAD * median).powi(2)
    };
    let samples = row.len() as f64 / differences.len() as f64;
    differences.chunks(WINDOW).map(|window| energy(window) * window.len() as f64 * samples).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;
    use rand_distr::{Distribution, Normal};

    #[test]
    fn the_noise_is_found_below_edges_and_slopes() {
        let mut random = stream(3, "test", 0);
        let (quiet, loud) = (Normal::new(0.0, 0.01).unwrap(), Normal::new(0.0, 0.05).unwrap());
        let mut row = |i: usize| {
            let signal = if i > 700 { 2.0 } else { 0.002 * i as f64 };
            (signal + if i < 1000 { quiet.sample(&mut random) } else { loud.sample(&mut random) }) as f32
        };
        let row: Vec<f32> = (0..2000).map(&mut row).collect();
        let expected = 1000.0 * (0.01f64.powi(2) + 0.05f64.powi(2));
        let found = noise_energy(&row);
        assert!((found / expected - 1.0).abs() < 0.2, "{found}, not {expected}");
        assert!(noise_energy(&[1.0; 40]) == 0.0 && noise_energy(&[1.0, 2.0]) == 0.0);
    }
}
