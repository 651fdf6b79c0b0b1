//! Cross-validation over views: every k-th view is left out, the rest reconstructed with a few weights, and the weight is taken whose
//! volume predicts the left-out views best.
//!
//! Score: |F^½ (A x − y)|² over the left-out views, F the ramp along the detector's columns. Since AᵀFA is nearly the identity this
//! measures the error of the volume, where the plain misfit measures its low frequencies; their noise adds a constant.
//! The data term is ½ |Ax − y|²/‖A‖², whose noise falls with the root of the number of views, and so does the weight that
//! balances it: w = w' √(V'/V).

use super::{Auto, By, Choice, Trials, search};
use crate::algorithms::Run;
use crate::data::{Geometry, Grid, Projections, Volume};
use crate::error::{Error, Result};
use crate::fields::integrators::ramp;
use crate::tensors::{from_projections, from_volume};
use tch::Kind;

/// Where the search begins: near what most scans want.
pub(super) const FIRST: f64 = 2e-4;
/// Factor that the weight is found to.
const ACCURACY: f64 = 1.5;

/// Refuses scans with too few views.
pub(super) fn check(auto: &Auto, geometry: &Geometry) -> Result<()> {
    let views = geometry.views.len();
    if auto.every < 2 {
        return Err(Error::config("auto.every", format!("expected at least 2, got {}", auto.every)));
    }
    if views < 2 * auto.every {
        let problem = format!("expected at least 2 x every = {} views to leave some out, got {views}", 2 * auto.every);
        return Err(Error::config("auto.every", problem).hint("leave more views out (every: 2), or give the weight as a number"));
    }
    Ok(())
}

/// The views that are kept and those that are left out.
///
/// # Errors
/// None that can happen: parts of a checked scan are checked again.
pub fn split(data: &Projections, every: usize) -> Result<[Projections; 2]> {
    let size = data.geometry.samples() / data.geometry.views.len();
    let part = |out: bool| {
        let members: Vec<usize> = (0..data.geometry.views.len()).filter(|i| (i % every == every / 2) == out).collect();
        let views = members.iter().map(|&i| data.geometry.views[i]).collect();
        let values = members.iter().flat_map(|&i| data.as_slice()[i * size..(i + 1) * size].iter().copied()).collect();
        Projections::from_vec(Geometry::new(views, data.geometry.detector, None)?, values)
    };
    Ok([part(false)?, part(true)?])
}

/// The weight that predicts left-out views best.
pub(super) fn choose(auto: &Auto, data: &Projections, grid: &Grid, run: &Run<'_>, trials: &mut dyn Trials) -> Result<Choice> {
    let [kept, out] = split(data, auto.every)?;
    let projector = run.projector(grid, &out.geometry)?;
    let measured = from_projections(&out, run.device)?;
    trials.prepare(&kept)?;
    let mut score = |weight: f64| -> Result<f64> {
        let volume: Volume = trials.solve(weight)?;
        let residual = projector.forward(&from_volume(&volume, run.device)?)? - &measured;
        Ok((&residual * ramp(&residual)?).sum(Kind::Double).double_value(&[]) / residual.numel() as f64)
    };
    let more = (kept.geometry.views.len() as f64 / data.geometry.views.len() as f64).sqrt();
    let (weight, tried) = search::minimum([auto.lowest, auto.highest], FIRST, ACCURACY, &mut score)?;
    Ok(Choice { weight: weight * more, tried, by: Some(By::HeldOut) })
}
