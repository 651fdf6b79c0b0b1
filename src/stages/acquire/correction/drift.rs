//! Drift of the source's intensity: a beam that is brighter by the factor exp(d) in one view lowers all line integrals
//! of that view by d. It is measured in the pixels that see air in every view.

use super::taken;
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::stages::acquire::calibration::middle;
use ndarray::{Array3, Axis};

/// A pixel sees air if its line integrals stay below this fraction of the largest line integral in every view.
const AIR: f32 = 0.05;
/// Smallest number of such pixels.
const FEWEST: usize = 8;

/// Subtracts from each view the median over the pixels that see air in every view.
///
/// # Errors
/// Fewer than eight pixels that see only air.
pub(super) fn level(integrals: &mut Array3<f32>) -> Result<Warning> {
    let before = integrals.clone();
    let high = integrals.iter().copied().fold(0.0f32, f32::max);
    let air: Vec<(usize, usize)> = integrals
        .lanes(Axis(0))
        .into_iter()
        .enumerate()
        .filter(|(_, lane)| lane.iter().all(|value| value.abs() < AIR * high))
        .map(|(i, _)| (i / integrals.shape()[2], i % integrals.shape()[2]))
        .collect();
    if air.len() < FEWEST {
        let problem = format!("only {} pixels see air in every view ({FEWEST} are needed)", air.len());
        return Err(Error::config("drift", problem).hint("leave it out, or take flats between the views"));
    }
    let mut levels = Vec::with_capacity(integrals.shape()[0]);
    for mut view in integrals.axis_iter_mut(Axis(0)) {
        let level = middle(&mut air.iter().map(|&at| view[at]).collect::<Vec<_>>());
        view.mapv_inplace(|value| value - level);
        levels.push(level);
    }
    let spread =
        levels.iter().copied().fold(f32::NEG_INFINITY, f32::max) - levels.iter().copied().fold(f32::INFINITY, f32::min);
    let what = format!("drift: the beam changed by {:.2} % between views; its correction", 100.0 * spread);
    Ok(taken("drift_corrected", &what, &before, integrals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beam_that_fades_is_levelled_and_an_object_without_air_beside_it_is_refused() {
        let clean = |column: usize| (1.0 - ((column as f32 - 19.5) / 10.0).powi(2)).max(0.0) * 2.0;
        let mut faded = Array3::from_shape_fn((30, 2, 40), |(view, _, column)| clean(column) + 0.002 * view as f32);
        let warning = level(&mut faded).unwrap();
        let worst = faded.indexed_iter().map(|((_, _, c), v)| (v - clean(c)).abs()).fold(0.0f32, f32::max);
        assert!(worst < 1e-6 && warning.message.contains("changed by 5.80 %"), "{worst}: {}", warning.message);
        let mut wide = Array3::from_elem((30, 2, 40), 1.0f32);
        assert!(level(&mut wide).unwrap_err().to_string().contains("only 0 pixels"));
    }
}
