//! Morozov's discrepancy principle: the weight at which the misfit |Ax − y|² equals the value expected from noise, Σ
//! σᵢ². Morozov, Soviet Math. Dokl. 7, 1966.
//!
//! The noise of a line integral y of N₀ photons has variance e^y / N₀. N₀ is estimated: second differences along the
//! detector rows, divided by e^(y/2), contain the noise and little of the object, and the median of their absolute
//! values (Donoho and Johnstone, Biometrika 81, 1994) is insensitive to edges. Fine structure is mistaken for noise,
//! and noise that is correlated between neighbouring pixels is missed.

use super::{Auto, By, Choice, Trials, search};
use crate::algorithms::{Problem, Run};
use crate::data::Projections;
use crate::error::Result;
use crate::tensors::from_volume;
use tch::Kind;

/// Accuracy of the weight, as a factor.
const ACCURACY: f64 = 1.15;
/// Line integrals up to this count as air and are ignored, because clamping in the detector may have removed most of
/// their noise.
const AIR: f32 = 0.02;

/// Estimated standard deviation of a line integral through air, 1/√N₀ (unitless), from the projections alone; 0 with
/// fewer than three columns.
#[must_use]
pub fn noise_in_air(data: &Projections) -> f64 {
    let columns = data.geometry.detector.columns;
    let mut found: Vec<f64> = Vec::new();
    for row in data.as_slice().chunks_exact(columns) {
        for three in row.windows(3).filter(|three| three[1] > AIR) {
            let difference = f64::from(three[0]) - 2.0 * f64::from(three[1]) + f64::from(three[2]);
            found.push(difference.abs() / 6f64.sqrt() / (f64::from(three[1]) / 2.0).exp());
        }
    }
    if found.is_empty() {
        return 0.0;
    }
    let middle = found.len() / 2;
    // Median absolute deviation of a normal variable: 0.6745 of its standard deviation.
    *found.select_nth_unstable_by(middle, f64::total_cmp).1 / 0.6745
}

/// Expected noise energy Σ σᵢ² over all rays.
fn noise_energy(auto: &Auto, problem: &Problem<'_>) -> Result<f64> {
    if let Some(sd) = auto.noise_sd {
        return Ok(sd * sd * problem.setup().samples() as f64);
    }
    let data = problem.projections().map_err(|error| error.under("auto.by"))?;
    Ok(noise_in_air(data).powi(2) * data.as_slice().iter().map(|&y| f64::from(y).exp()).sum::<f64>())
}

/// Chooses the weight at which the misfit equals `factor` times the noise energy.
pub(super) fn choose(auto: &Auto, problem: &Problem<'_>, run: &Run<'_>, trials: &mut dyn Trials) -> Result<Choice> {
    let aim = auto.factor * noise_energy(auto, problem)?;
    let operator = problem.operator(run.device)?;
    let measured = problem.values(run.device)?;
    trials.prepare(std::slice::from_ref(problem))?;
    let mut excess = |weight: f64| -> Result<f64> {
        let volume = trials.solve(0, weight)?;
        let residual = operator.forward(&from_volume(&volume, run.device)?)? - &measured;
        let misfit = residual.square().sum(Kind::Double).double_value(&[]);
        Ok(if aim > 0.0 { misfit / aim - 1.0 } else { 1.0 })
    };
    let range = [auto.lowest.unwrap_or(search::SMALLEST), auto.highest];
    let (weight, tried) = search::crossing(range, auto.first, ACCURACY, Vec::new(), &mut excess)?;
    Ok(Choice { weight, tried, by: Some(By::Discrepancy) })
}
