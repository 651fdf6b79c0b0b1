//! Ring artefacts: a pixel whose response differs from its flat field makes a stripe along the views of the sinogram,
//! which is reconstructed as a ring.
//!
//! The sorting filter of N. T. Vo, R. C. Atwood, M. Drakopoulos, Opt. Express 26 (2018) 28396 (algorithm 3): the values
//! of each column are sorted, so that neighbouring columns hold nearly the same values at the same ranks for any
//! object, and a median along the columns detects stripes narrower than half its window. Unlike in the paper, the
//! difference to the median is averaged over a third of the ranks before it is subtracted, because a pixel's response
//! changes slowly with the intensity: clean data then change ten times less, and stripes are removed as well. Real
//! rings about the axis are removed too.

use super::taken;
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::stages::acquire::calibration::middle;
use ndarray::{Array2, Array3, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// Filters the sinogram of every detector row.
///
/// # Errors
/// A window wider than the detector.
pub(super) fn sort(integrals: &mut Array3<f32>, window: usize) -> Result<Warning> {
    let columns = integrals.shape()[2];
    if window >= columns {
        return Err(Error::config("rings", format!("expected less than the {columns} columns, got {window}")));
    }
    let before = integrals.clone();
    integrals.axis_iter_mut(Axis(1)).into_par_iter().for_each(|sinogram| filter(sinogram, window));
    Ok(taken("rings_removed", &format!("rings: the sorting filter of {window} columns"), &before, integrals))
}

/// Filters one sinogram `[view, column]`.
fn filter(mut sinogram: ArrayViewMut2<f32>, window: usize) {
    let (views, columns) = sinogram.dim();
    let mut order: Vec<Vec<usize>> = Vec::with_capacity(columns);
    let mut sorted = Array2::<f32>::zeros((views, columns));
    for column in 0..columns {
        let mut ranks: Vec<usize> = (0..views).collect();
        ranks.sort_by(|&a, &b| sinogram[[a, column]].total_cmp(&sinogram[[b, column]]));
        ranks.iter().enumerate().for_each(|(rank, &view)| sorted[[rank, column]] = sinogram[[view, column]]);
        order.push(ranks);
    }
    let half = window / 2;
    for (column, ranks) in order.iter().enumerate() {
        // Near the ends of the detector the window is shorter, so that it stays centred on the column.
        let reach = half.min(column).min(columns - 1 - column);
        let excess = |rank: usize| {
            let mut near: Vec<f32> = (column - reach..=column + reach).map(|c| sorted[[rank, c]]).collect();
            f64::from(sorted[[rank, column]] - middle(&mut near))
        };
        let stripe = smoothed(&(0..views).map(excess).collect::<Vec<f64>>());
        ranks.iter().zip(stripe).for_each(|(&view, stripe)| sinogram[[view, column]] -= stripe as f32);
    }
}

/// Running mean over a third of the values; beyond the ends the last value is repeated.
fn smoothed(values: &[f64]) -> Vec<f64> {
    let (count, reach) = (values.len() as isize, (values.len() / 6) as isize);
    let at = |i: isize| values[i.clamp(0, count - 1) as usize];
    let mut sum: f64 = (-reach..=reach).map(at).sum();
    let mut means = Vec::with_capacity(values.len());
    for i in 0..count {
        means.push(sum / (2 * reach + 1) as f64);
        sum += at(i + reach + 1) - at(i - reach);
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean() -> Array3<f32> {
        Array3::from_shape_fn((90, 2, 80), |(view, _, column)| {
            let disk = |center: f32, radius: f32| (radius * radius - (column as f32 - center).powi(2)).max(0.0).sqrt();
            let turn = (view as f32 * 2.0).to_radians();
            0.05 * disk(39.5 + 3.0 * turn.sin(), 30.0) + 0.1 * disk(39.5 + 14.0 * turn.cos(), 5.0)
        })
    }

    fn error(data: &Array3<f32>) -> f64 {
        super::super::rms(data.iter().zip(&clean()).map(|(a, b)| f64::from(a - b)))
    }

    #[test]
    fn stripes_go_and_the_object_stays() {
        let mut striped = clean();
        for (column, offset) in [(12, 0.15), (33, -0.2), (34, -0.2), (58, 0.3)] {
            striped.slice_mut(ndarray::s![.., .., column]).mapv_inplace(|value| value + offset);
        }
        let before = error(&striped);
        let warning = sort(&mut striped, 5).unwrap();
        assert!(error(&striped) < 0.5 * before, "{} after {before}", error(&striped));
        assert_eq!(warning.code, "rings_removed");
        let mut good = clean();
        sort(&mut good, 5).unwrap();
        let all = super::super::rms(clean().iter().map(|&value| f64::from(value)));
        assert!(error(&good) < 5e-3 * all, "{} of {all} on clean data", error(&good));
        assert!(sort(&mut good, 81).is_err());
    }
}
