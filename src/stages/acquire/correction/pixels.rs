//! Bad pixels: pixels that are wrong in most views (stuck, noisy, or with a gain that the flats do not correct). They
//! differ from their neighbours in the row in at least three quarters of the views, while an edge of the object moves
//! across a pixel in few views. Bad pixels are interpolated from the nearest good ones of their row.

use super::taken;
use crate::data::Warning;
use crate::stages::acquire::calibration::middle;
use ndarray::{Array2, Array3, ArrayViewMut1, Axis};
use rayon::prelude::*;

/// Number of neighbours on each side.
const REACH: usize = 3;
/// A pixel that differs by less than this fraction of the largest line integral is good.
const SMALL: f32 = 0.01;
/// A pixel that differs by less than this factor times the median difference of its neighbours is good too.
const ALONE: f32 = 5.0;
/// Robust standard deviation = this times the median absolute deviation.
const MAD: f32 = 1.4826;

/// Interpolates the pixels that differ from their neighbours by more than `sigma` robust standard deviations.
pub(super) fn interpolate(integrals: &mut Array3<f32>, sigma: f64) -> Warning {
    let before = integrals.clone();
    let bad = bad_pixels(integrals, sigma);
    integrals.axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut view| {
        for (row, bad) in view.rows_mut().into_iter().zip(bad.rows()) {
            bridge(row, &bad.to_vec());
        }
    });
    let count = bad.iter().filter(|bad| **bad).count();
    let what = format!("{count} of {} pixels are bad and interpolated; this", bad.len());
    taken("bad_pixels_interpolated", &what, &before, integrals)
}

/// The pixels that differ from their neighbours by more than `sigma` robust standard deviations.
fn bad_pixels(integrals: &Array3<f32>, sigma: f64) -> Array2<bool> {
    let difference = differences(integrals);
    let all = || difference.iter().copied().collect::<Vec<f32>>();
    let center = middle(&mut all());
    let spread = MAD * middle(&mut all().iter().map(|value| (value - center).abs()).collect::<Vec<_>>());
    let high = integrals.iter().copied().fold(0.0f32, f32::max);
    let limit = (center + sigma as f32 * spread).max(SMALL * high);
    // An edge that stays at the same pixels in all views, such as that of a round object on the axis, makes the
    // neighbours differ as well.
    let alone = |row: usize, column: usize| {
        let near = near(column, difference.ncols());
        difference[[row, column]] > ALONE * middle(&mut near.map(|c| difference[[row, c]]).collect::<Vec<f32>>())
    };
    Array2::from_shape_fn(difference.dim(), |(row, column)| difference[[row, column]] > limit && alone(row, column))
}

/// The neighbouring columns of a column, without itself.
fn near(column: usize, columns: usize) -> impl Iterator<Item = usize> {
    (column.saturating_sub(REACH)..(column + REACH + 1).min(columns)).filter(move |&other| other != column)
}

/// Lower quartile, over the views, of |p − median of the neighbours in the row|, as `[row, column]`.
fn differences(integrals: &Array3<f32>) -> Array2<f32> {
    let (views, rows, columns) = integrals.dim();
    let one = |(row, column): (usize, usize)| {
        let stands_out = |view: usize| {
            let mut others: Vec<f32> = near(column, columns).map(|c| integrals[[view, row, c]]).collect();
            (integrals[[view, row, column]] - middle(&mut others)).abs()
        };
        let mut all: Vec<f32> = (0..views).map(stands_out).collect();
        *all.select_nth_unstable_by(views / 4, f32::total_cmp).1
    };
    let values: Vec<f32> = (0..rows * columns).into_par_iter().map(|i| one((i / columns, i % columns))).collect();
    Array2::from_shape_vec((rows, columns), values).unwrap_or_default()
}

/// Interpolates the bad samples of a row linearly; at its ends takes the nearest good value.
fn bridge(mut row: ArrayViewMut1<f32>, bad: &[bool]) {
    let good: Vec<usize> = (0..bad.len()).filter(|&i| !bad[i]).collect();
    for i in (0..bad.len()).filter(|&i| bad[i]) {
        let after = good.partition_point(|&g| g < i);
        let (left, right) = (after.checked_sub(1).map(|k| good[k]), good.get(after).copied());
        row[i] = match (left, right) {
            (Some(a), Some(b)) => row[a] + (row[b] - row[a]) * (i - a) as f32 / (b - a) as f32,
            (Some(a), None) => row[a],
            (None, Some(b)) => row[b],
            (None, None) => row[i],
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean() -> Array3<f32> {
        Array3::from_shape_fn((40, 3, 60), |(view, _, column)| {
            let center = 29.5 + 12.0 * (view as f32 * 0.1).cos();
            (1.0 - ((column as f32 - center) / 12.0).powi(2)).max(0.0).sqrt()
        })
    }

    #[test]
    fn stuck_and_gained_pixels_are_interpolated_and_good_ones_stay() {
        let mut data = clean();
        data.slice_mut(ndarray::s![.., 1, 20]).fill(0.7);
        data.slice_mut(ndarray::s![.., 2, 35]).mapv_inplace(|value| value + 0.4);
        let warning = interpolate(&mut data, 8.0);
        assert!(warning.message.starts_with("2 of 180 pixels are bad"), "{}", warning.message);
        let worst = data.iter().zip(&clean()).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
        assert!(worst < 0.2, "{worst}");
        let mut good = clean();
        assert!(interpolate(&mut good, 8.0).message.starts_with("0 of") && good == clean());
    }
}
