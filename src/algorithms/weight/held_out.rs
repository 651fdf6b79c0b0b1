//! Cross-validation over views: every k-th view is left out, the volume is reconstructed from the others with several
//! weights, and the largest weight is chosen whose volume predicts the left-out views about as well as the best one. If
//! the left-out views have few rays, as in a 2-D scan, further folds leave out other views, and the scores of all folds
//! are used.
//!
//! Score of a view: Σ r (h ∗ r) of its residual r = B x − y along the detector's columns, h the ramp filter. By the
//! projection-slice theorem the energy of an image is ∫∫ |ω| |P(θ, ω)|² dω dθ of its projections' spectra P, so that
//! the mean score over the views estimates the squared error of the *volume*, plus a noise term that is the same for
//! all weights. (Without the ramp, Σ r² is dominated by low frequencies, which hardly depend on the weight.) B is not
//! the operator A of the reconstruction but another discretisation, Siddon's in place of Joseph's: a small weight fits
//! the discretisation error of A at edges, which improves predictions by A but not by B. "About as well" means that the
//! mean of the paired differences between the views' scores and those of the best weight is at most `errors` of their
//! standard errors (the one-standard-error rule of Breiman, Friedman, Olshen and Stone 1984, § 3.4.3, with paired
//! differences). The data term is ½ |Ax − y|²/‖A‖², whose noise is proportional to 1/√(number of views), and so is the
//! appropriate weight: w = w' √(V'/V) for V views, where w' is the weight found with V' views.
//!
//! The search goes from large weights to small ones, and each trial starts from the variables of the previous one. All
//! trials are then about equally far from convergence, and the rough volume of a small weight is not the start of a
//! larger one.

use super::{Auto, By, Choice, Trials, search, usual};
use crate::algorithms::{Problem, Run, Setup};
use crate::data::Volume;
use crate::error::{Error, Result};
use crate::operators::LinearOperator;
use crate::operators::xray::kernels::filter::{Filter, ramp_rows};
use crate::operators::xray::{Model, Sampling};
use crate::tensors::{from_volume, to_vec};
use tch::{Device, Tensor};

/// Factor above `first` at which a search of the full range begins.
const ABOVE: f64 = 16.0;
/// Maximum number of trials of such a search.
const MOST: usize = 16;
/// Number of consecutive trials without a better score after which it ends; a single one may be due to chance.
const PATIENCE: usize = 2;

/// Number of left-out samples, over all folds, that suffices to compare weights.
const ENOUGH: usize = 8192;

/// Refuses scans with too few views.
pub(super) fn check(auto: &Auto, setup: &Setup<'_>) -> Result<()> {
    let views = setup.directions();
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

/// The number of folds: as configured, else as many as leave out [`ENOUGH`] samples. In 2-D one fold has too few rays
/// to distinguish weights; in 3-D one fold suffices.
fn folds(auto: &Auto, setup: &Setup<'_>) -> usize {
    let out = setup.samples() / auto.every;
    auto.folds.unwrap_or_else(|| ENOUGH.div_ceil(out.max(1))).clamp(1, auto.every)
}

/// The operator in another discretisation than that of the reconstruction: Joseph's in place of Siddon's, else
/// Siddon's. A linear map other than X-rays is unchanged.
fn another(problem: &Problem<'_>, device: Device) -> Result<Box<dyn LinearOperator>> {
    let Sampling { model, sub_rays } = problem.sampling();
    let model = if model == Model::Siddon { Model::Joseph } else { Model::Siddon };
    problem.clone().sampled(Sampling { model, sub_rays }).operator(device)
}

/// Σ r (h ∗ r) of a view's residual `[row, column]`, with h the ramp filter along the rows for rays at unit distance.
fn energy(residual: &[f32], columns: usize) -> f64 {
    let mut filtered = residual.to_vec();
    ramp_rows(&mut filtered, columns, 1.0, Filter::RamLak, 1.0);
    residual.iter().zip(&filtered).map(|(&r, &q)| f64::from(r) * f64::from(q)).sum()
}

/// Mean difference of the views' scores from the best weight's, minus `errors` standard errors of the paired
/// differences; at most 0 if `views` are about as good as `best`.
#[must_use]
pub fn excess(views: &[f64], best: &[f64], errors: f64) -> f64 {
    let differences: Vec<f64> = views.iter().zip(best).map(|(a, b)| a - b).collect();
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    mean - errors * (variance / count).sqrt()
}

/// All weights tried, with the scores of the left-out views.
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

    /// The largest weight tried that is about as good as the best one.
    fn largest_as_good(&self, errors: f64) -> Option<f64> {
        let (_, best) = self.found.iter().min_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1)))?;
        let as_good = self.found.iter().filter(|(_, views)| views == best || excess(views, best, errors) <= 0.0);
        as_good.map(|(weight, _)| *weight).reduce(f64::max)
    }

    fn tried(&self) -> Vec<(f64, f64)> {
        self.found.iter().map(|(weight, views)| (*weight, mean(views))).collect()
    }
}

/// Arithmetic mean of the scores.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Searches `range`; returns the largest weight that is about as good as the best one, and all (weight, mean score)
/// tried.
fn largest(
    auto: &Auto,
    range: [f64; 2],
    solve: &mut dyn FnMut(f64) -> Result<Vec<f64>>,
) -> Result<(f64, Vec<(f64, f64)>)> {
    let mut scores = Scores { solve, found: Vec::new() };
    let (start, most, patience) = match auto.near {
        Some(most) => (auto.first, most, 1),
        None => (ABOVE * auto.first, MOST, PATIENCE),
    };
    search::descent(range, start, most, patience, &mut |weight| Ok(mean(scores.of(weight)?)))?;
    Ok((scores.largest_as_good(auto.errors).unwrap_or(auto.first), scores.tried()))
}

/// Left-out views by whose prediction volumes are judged.
pub struct HeldOutViews {
    operator: Box<dyn LinearOperator>,
    measured: Vec<f32>,
    device: Device,
}

impl HeldOutViews {
    /// Prepares to judge volumes on the grid of `out` by its views.
    ///
    /// # Errors
    /// A projector that the device does not have; lack of memory.
    pub fn new(out: &Problem<'_>, device: Device) -> Result<Self> {
        Ok(Self { operator: another(out, device)?, measured: to_vec(&out.values(device)?)?, device })
    }

    /// The score of each view for a volume (attenuation, 1/mm): Σ r (h ∗ r) of r = B x − y, divided by the number of
    /// samples of the view; lower is better.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn scores(&self, volume: &Volume) -> Result<Vec<f64>> {
        self.scores_of(&from_volume(volume, self.device)?)
    }

    /// [`HeldOutViews::scores`] of a volume `[z, y, x]` (attenuation, 1/mm).
    ///
    /// # Errors
    /// When memory runs out.
    pub fn scores_of(&self, volume: &Tensor) -> Result<Vec<f64>> {
        let [_, rows, columns] = self.operator.range();
        let size = rows * columns;
        let predicted: Vec<f32> = to_vec(&self.operator.forward(volume)?)?;
        let residual: Vec<f32> = predicted.iter().zip(&self.measured).map(|(a, b)| a - b).collect();
        Ok(residual.chunks_exact(size).map(|view| energy(view, columns) / size as f64).collect())
    }
}

/// Chooses the largest weight that predicts the left-out views about as well as the best one.
pub(super) fn choose(auto: &Auto, problem: &Problem<'_>, run: &Run<'_>, trials: &mut dyn Trials) -> Result<Choice> {
    let (mut kept, mut judges) = (Vec::new(), Vec::new());
    for fold in 0..folds(auto, &problem.setup()) {
        let [inside, out] = problem.split(auto.every, fold)?;
        judges.push(HeldOutViews::new(&out, run.device)?);
        kept.push(inside);
    }
    trials.prepare(&kept)?;
    let mut scores = |weight: f64| -> Result<Vec<f64>> {
        let folds = judges.iter().enumerate().map(|(fold, judge)| judge.scores(&trials.solve(fold, weight)?));
        Ok(folds.collect::<Result<Vec<_>>>()?.concat())
    };
    let lowest = auto.lowest.unwrap_or_else(|| usual::lowest(problem).max(search::SMALLEST).min(auto.highest));
    let (weight, tried) = largest(auto, [lowest, auto.highest], &mut scores)?;
    let more = (kept[0].setup().views() as f64 / problem.setup().views() as f64).sqrt();
    Ok(Choice { weight: weight * more, tried, by: Some(By::HeldOut) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disc of radius R and value 1: its energy is π R², its projections 2 √(R² − u²).
    #[test]
    fn the_score_of_a_projection_is_the_energy_of_the_picture() {
        let (columns, radius) = (512, 90.0);
        let chord = |i: usize| (radius * radius - (i as f64 - 255.5).powi(2)).max(0.0).sqrt() * 2.0;
        let projection: Vec<f32> = (0..columns).map(|i| chord(i) as f32).collect();
        // ∫ over half a turn of views that are all alike.
        let found = std::f64::consts::PI * energy(&projection, columns);
        let disc = std::f64::consts::PI * radius * radius;
        assert!((found / disc - 1.0).abs() < 0.01, "{found} {disc}");
    }

    #[test]
    fn any_detector_has_a_score() {
        assert_eq!(energy(&[0.0; 6], 3), 0.0);
        for columns in 1..6 {
            assert!(energy(&[1.0, -2.0, 3.0, 1.0, 1.0][..columns], columns) > 0.0);
        }
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
            largest(&Auto { errors, ..Auto::default() }, [1e-6, 0.1], &mut solve).unwrap().0
        };
        assert_eq!(chosen(0.0, 2.0), 2e-4);
        assert!(chosen(0.2, 2.0) < chosen(0.2, 8.0));
    }
}
