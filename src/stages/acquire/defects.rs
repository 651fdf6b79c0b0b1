//! Defective samples: dead pixels (NaN after calibration) and zingers (single samples hit by a cosmic ray or a
//! scattered photon). Both are replaced by the median of their neighbours and counted.

use super::calibration::middle;
use crate::data::Warning;
use ndarray::{Array3, ArrayView2, Axis};
use rayon::prelude::*;

/// Number of neighbours on each side.
const REACH: usize = 2;
/// A sample that differs by less than this (line integral) is no zinger, even in data with little noise.
const QUIET: f32 = 0.1;
/// Robust standard deviation = this times the median absolute deviation.
const MAD: f32 = 1.4826;

/// Replaces every sample that is not finite by the median of the finite samples near it in its view. Returns the number
/// of replaced samples; `None` if a view has no finite sample.
pub(super) fn fill(values: &mut Array3<f32>) -> Option<usize> {
    values
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .map(|mut view| {
            let bad: Vec<(usize, usize)> =
                view.indexed_iter().filter(|(_, value)| !value.is_finite()).map(|(at, _)| at).collect();
            let replaced: Option<Vec<f32>> = bad.iter().map(|&at| near(&view.view(), at)).collect();
            bad.iter().zip(replaced?).for_each(|(&at, value)| view[at] = value);
            Some(bad.len())
        })
        .sum()
}

/// Median of the finite samples in the smallest square around `at` that contains any.
fn near(view: &ArrayView2<f32>, (row, column): (usize, usize)) -> Option<f32> {
    let (height, width) = view.dim();
    let mut reach = REACH;
    loop {
        let rows = row.saturating_sub(reach)..(row + reach + 1).min(height);
        let columns = column.saturating_sub(reach)..(column + reach + 1).min(width);
        let mut found: Vec<f32> =
            view.slice(ndarray::s![rows, columns]).iter().copied().filter(|value| value.is_finite()).collect();
        if !found.is_empty() {
            return Some(middle(&mut found));
        }
        if reach > height.max(width) {
            return None;
        }
        reach *= 2;
    }
}

/// Median of a short line of samples, and the range (largest − smallest) of its values without the one at index `own`.
fn surroundings(line: &mut [f32], own: usize) -> (f32, f32) {
    let others = || line.iter().enumerate().filter(|(i, _)| *i != own).map(|(_, &value)| value);
    let spread = others().fold(f32::NEG_INFINITY, f32::max) - others().fold(f32::INFINITY, f32::min);
    (middle(line), spread)
}

/// Replaces zingers in line integrals. A zinger differs, upwards or downwards, from the median of its neighbours both
/// along the row and from view to view, each time by more than `sigma` robust standard deviations and by more than
/// twice the range of those neighbours. A real edge differs in at most one of the two directions, and its neighbours
/// have a large range. `sigma` 0 does nothing.
pub(super) fn zingers(integrals: &mut Array3<f32>, sigma: f64) -> Option<Warning> {
    let (views, rows, columns) = integrals.dim();
    if sigma == 0.0 || views <= 2 * REACH || columns <= 2 * REACH {
        return None;
    }
    let across = |view: usize, row: usize, column: usize| {
        let start = column.saturating_sub(REACH).min(columns - 2 * REACH - 1);
        surroundings(
            &mut (start..=start + 2 * REACH).map(|c| integrals[[view, row, c]]).collect::<Vec<_>>(),
            column - start,
        )
    };
    let between = |view: usize, row: usize, column: usize| {
        let start = view.saturating_sub(REACH).min(views - 2 * REACH - 1);
        surroundings(
            &mut (start..=start + 2 * REACH).map(|v| integrals[[v, row, column]]).collect::<Vec<_>>(),
            view - start,
        )
    };
    let stride = (integrals.len() / 100_000).max(1);
    let place = |i: usize| [i / (rows * columns), i / columns % rows, i % columns];
    let deviation = |i: usize| {
        let at @ [view, row, column] = place(i);
        let (expected, spread) = across(view, row, column);
        ((integrals[at] - expected).abs(), spread)
    };
    let noise = MAD * middle(&mut (0..integrals.len()).step_by(stride).map(|i| deviation(i).0).collect::<Vec<_>>());
    let limit = (sigma as f32 * noise).max(QUIET);
    let stands_out = |(by, spread): (f32, f32)| by > limit.max(2.0 * spread);
    let found: Vec<([usize; 3], f32)> = (0..integrals.len())
        .into_par_iter()
        .filter(|&i| stands_out(deviation(i)))
        .filter_map(|i| {
            let at @ [view, row, column] = place(i);
            let (expected, spread) = between(view, row, column);
            stands_out(((integrals[at] - expected).abs(), spread)).then_some((at, expected))
        })
        .collect();
    for &(at, value) in &found {
        integrals[at] = value;
    }
    let message = format!(
        "{} of {} samples stand out from their neighbours by more than {limit:.3} and were replaced by their median",
        found.len(),
        integrals.len()
    );
    (!found.is_empty()).then(|| Warning::new("zingers", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth() -> Array3<f32> {
        Array3::from_shape_fn((12, 2, 20), |(view, _, column)| {
            1.0 + (view as f32 * 0.3).sin() * 0.1 + (column as f32 * 0.2).cos()
        })
    }

    #[test]
    fn zingers_go_and_edges_stay() {
        let clean = Array3::from_shape_fn((12, 2, 20), |(_, _, column)| if column < 9 { 0.0 } else { 2.0 });
        let mut edge = clean.clone();
        assert!(zingers(&mut edge, 6.0).is_none() && edge == clean);
        let mut hit = smooth();
        hit[[5, 1, 7]] -= 3.0;
        hit[[0, 0, 19]] += 2.0;
        let warning = zingers(&mut hit, 6.0).unwrap();
        assert!(warning.message.starts_with("2 of 480"), "{}", warning.message);
        let worst = (&hit - &smooth()).iter().fold(0.0f32, |worst, d| worst.max(d.abs()));
        assert!(worst < 0.15, "{worst}");
        assert!(zingers(&mut smooth(), 0.0).is_none());
    }

    #[test]
    fn dead_pixels_get_their_neighbours_median_and_a_dead_view_is_hopeless() {
        let mut values = Array3::from_elem((2, 3, 9), 5.0);
        values.slice_mut(ndarray::s![.., 1, 3..6]).fill(f32::NAN);
        assert_eq!(fill(&mut values), Some(6));
        assert!(values.iter().all(|&value| value == 5.0));
        values.slice_mut(ndarray::s![0, .., ..]).fill(f32::NAN);
        assert_eq!(fill(&mut values), None);
    }
}
