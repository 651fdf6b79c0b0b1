//! Cross-validation over views: every k-th view is left out, the rest reconstructed with a few weights, and the largest
//! weight is taken whose volume predicts the left-out views about as well as any. Where the views left out have few
//! rays, as those of a slice, others are left out in turn, and the scores of all folds count.
//!
//! Score of a view: |D (B x − y)|² with D the band-pass (−1, −1, 1, 1)/4 along the detector's columns, between the
//! lowest frequencies (which see little of a volume's error) and the highest (noise). B is not the A that reconstructed
//! but another discretisation, by Siddon's lengths for Joseph's interpolation: what a small weight fits of A's own
//! error at edges predicts through A, not through B. "About as well": the paired differences of the views' scores from
//! the best weight's have a mean below `errors` of their standard errors (the one-standard-error rule of Breiman,
//! Friedman, Olshen and Stone 1984, § 3.4.3, with paired differences). The data term is ½ |Ax − y|²/‖A‖², whose noise
//! falls with the root of the number of views, and so does the weight that balances it: w = w' √(V'/V).

use super::{Auto, By, Choice, Trials, search};
use crate::algorithms::Run;
use crate::data::{Geometry, Grid, Projections, Volume};
use crate::error::{Error, Result};
use crate::operators::LinearOperator;
use crate::operators::xray::{self, Model, Sampling};
use crate::tensors::{from_volume, to_vec};
use tch::Device;

/// Factor that the best weight is found to: its prediction is flat there.
const NEAR: f64 = 2.0;
/// Factor that the largest weight is found to that is about as good.
const ACCURACY: f64 = 1.3;

/// Samples that are left out, over all folds.
const ENOUGH: usize = 8192;

/// Refuses scans with too few views.
pub(super) fn check(auto: &Auto, geometry: &Geometry) -> Result<()> {
    let views = geometry.directions().len();
    if auto.every < 2 {
        return Err(Error::config("auto.every", format!("expected at least 2, got {}", auto.every)));
    }
    if let Some(folds) = auto.folds.filter(|folds| !(1..=auto.every).contains(folds)) {
        return Err(Error::config("auto.folds", format!("expected 1 to every = {}, got {folds}", auto.every)));
    }
    if views < 2 * auto.every {
        let problem = format!("expected views from at least 2 x every = {} directions, got {views}", 2 * auto.every);
        return Err(Error::config("auto.every", problem)
            .hint("leave more views out (every: 2), or give the weight as a number"));
    }
    Ok(())
}

/// The views that are kept and those that are left out, by turns in each of `every` folds.
///
/// # Errors
/// Fewer views than `every` leaves something of.
pub fn split(data: &Projections, every: usize, fold: usize) -> Result<[Projections; 2]> {
    let [kept, out] = data.geometry.parted(every, fold);
    Ok([data.subset(&kept)?, data.subset(&out)?])
}

/// How many folds a choice takes where it is not told: as many as give it [`ENOUGH`] samples to predict. The few rays
/// of a slice cannot tell weights apart in one fold; those of a volume can.
fn folds(auto: &Auto, geometry: &Geometry) -> usize {
    let out = geometry.samples() / auto.every;
    auto.folds.unwrap_or_else(|| ENOUGH.div_ceil(out.max(1))).clamp(1, auto.every)
}

/// A discretisation of the line integral other than the reconstruction's own.
fn another(sampling: Sampling) -> Sampling {
    let model = if sampling.model == Model::Siddon { Model::Joseph } else { Model::Siddon };
    Sampling { model, ..sampling }
}

/// |D r|² of a view's residual r `[row, column]`; |r|² with fewer than four columns.
fn energy(residual: &[f64], columns: usize) -> f64 {
    if columns < 4 {
        return residual.iter().map(|r| r * r).sum();
    }
    let passed = |row: &[f64]| -> f64 { row.windows(4).map(|r| (0.25 * (r[3] + r[2] - r[1] - r[0])).powi(2)).sum() };
    residual.chunks_exact(columns).map(passed).sum()
}

/// How far the views' scores are above the best weight's, less `errors` standard errors of their paired differences.
#[must_use]
pub fn excess(views: &[f64], best: &[f64], errors: f64) -> f64 {
    let differences: Vec<f64> = views.iter().zip(best).map(|(a, b)| a - b).collect();
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    mean - errors * (variance / count).sqrt()
}

/// Every weight tried, with the scores of the left-out views.
struct Scores<'a> {
    solve: &'a mut dyn FnMut(f64) -> Result<Vec<f64>>,
    found: Vec<(f64, Vec<f64>)>,
}

impl Scores<'_> {
    fn of(&mut self, weight: f64) -> Result<&[f64]> {
        let at = self.found.len();
        self.found.push((weight, (self.solve)(weight)?));
        Ok(&self.found[at].1)
    }

    /// The largest weight tried that is about as good as the best.
    fn largest_as_good(&self, errors: f64) -> Option<f64> {
        let (_, best) = self.found.iter().min_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1)))?;
        let as_good = self.found.iter().filter(|(_, views)| views == best || excess(views, best, errors) <= 0.0);
        as_good.map(|(weight, _)| *weight).reduce(f64::max)
    }

    fn tried(&self) -> Vec<(f64, f64)> {
        self.found.iter().map(|(weight, views)| (*weight, mean(views))).collect()
    }
}

/// Their mean.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The largest weight about as good as the best, and all that was tried.
fn largest(auto: &Auto, solve: &mut dyn FnMut(f64) -> Result<Vec<f64>>) -> Result<(f64, Vec<(f64, f64)>)> {
    let mut scores = Scores { solve, found: Vec::new() };
    if let Some(most) = auto.near {
        search::about([auto.lowest, auto.highest], auto.first, most, &mut |weight| Ok(mean(scores.of(weight)?)))?;
        return Ok((scores.largest_as_good(auto.errors).unwrap_or(auto.first), scores.tried()));
    }
    let (lowest, _) =
        search::minimum([auto.lowest, auto.highest], auto.first, NEAR, &mut |weight| Ok(mean(scores.of(weight)?)))?;
    let by_score = |a: &&(f64, Vec<f64>), b: &&(f64, Vec<f64>)| mean(&a.1).total_cmp(&mean(&b.1));
    let Some((weight, best)) = scores.found.iter().min_by(by_score).cloned() else { return Ok((lowest, Vec::new())) };
    if auto.errors == 0.0 || best.len() < 2 {
        return Ok((lowest, scores.tried()));
    }
    let larger = scores.found.iter().filter(|(other, _)| *other >= weight);
    let known = larger.map(|(other, views)| (*other, excess(views, &best, auto.errors))).collect();
    let mut above = |weight: f64| Ok(excess(scores.of(weight)?, &best, auto.errors));
    let (found, _) = search::crossing([weight, auto.highest], weight, ACCURACY, known, &mut above)?;
    Ok((found, scores.tried()))
}

/// Left-out views that volumes are judged by.
pub struct HeldOutViews {
    out: Projections,
    projector: Box<dyn LinearOperator>,
    device: Device,
}

impl HeldOutViews {
    /// Judges volumes on `grid` by the views `out`.
    ///
    /// # Errors
    /// A projector that the device does not have.
    pub fn new(out: Projections, grid: &Grid, run: &Run<'_>) -> Result<Self> {
        let projector = xray::build(another(run.sampling), grid, &out.geometry, run.device)?;
        Ok(Self { out, projector, device: run.device })
    }

    /// The score of each view for a volume (attenuation, 1/mm): |D (B x − y)|² per sample, so that less is better.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn scores(&self, volume: &Volume) -> Result<Vec<f64>> {
        let geometry = &self.out.geometry;
        let (size, columns) = (geometry.samples() / geometry.views.len(), geometry.detector.columns);
        let predicted: Vec<f32> = to_vec(&self.projector.forward(&from_volume(volume, self.device)?)?)?;
        let residual: Vec<f64> = predicted.iter().zip(self.out.as_slice()).map(|(a, b)| f64::from(a - b)).collect();
        Ok(residual.chunks_exact(size).map(|view| energy(view, columns) / size as f64).collect())
    }
}

/// The weight that predicts left-out views about as well as any.
pub(super) fn choose(
    auto: &Auto,
    data: &Projections,
    grid: &Grid,
    run: &Run<'_>,
    trials: &mut dyn Trials,
) -> Result<Choice> {
    let (mut kept, mut judges) = (Vec::new(), Vec::new());
    for fold in 0..folds(auto, &data.geometry) {
        let [inside, out] = split(data, auto.every, fold)?;
        judges.push(HeldOutViews::new(out, grid, run)?);
        kept.push(inside);
    }
    trials.prepare(&kept)?;
    let mut scores = |weight: f64| -> Result<Vec<f64>> {
        let folds = judges.iter().enumerate().map(|(fold, judge)| judge.scores(&trials.solve(fold, weight)?));
        Ok(folds.collect::<Result<Vec<_>>>()?.concat())
    };
    let (weight, tried) = largest(auto, &mut scores)?;
    let more = (kept[0].geometry.views.len() as f64 / data.geometry.views.len() as f64).sqrt();
    Ok(Choice { weight: weight * more, tried, by: Some(By::HeldOut) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_pass_sees_no_constant_and_half_of_an_edge() {
        assert!(energy(&[3.0; 12], 6) < 1e-20);
        let edge = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        assert!((energy(&edge, 6) - (0.0625 + 0.25 + 0.0625)).abs() < 1e-12);
    }

    #[test]
    fn views_that_disagree_allow_a_larger_weight_than_views_that_agree() {
        let chosen = |spread: f64, errors: f64| {
            let score = |weight: f64, view: f64| 1.0 + (weight / 2e-4).ln().powi(2) * (1.0 + spread * view);
            let mut solve = |weight: f64| {
                Ok((0..8)
                    .map(|view| score(weight, f64::from(view) - 3.5) + spread * f64::from(view % 3) * weight.ln())
                    .collect())
            };
            largest(&Auto { errors, ..Auto::default() }, &mut solve).unwrap().0
        };
        assert!((chosen(0.0, 2.0) / 2e-4).ln().abs() < 0.3);
        assert!(chosen(0.2, 2.0) < chosen(0.2, 8.0));
    }
}
