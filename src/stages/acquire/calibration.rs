//! From detector counts to line integrals: p = −ln((d − dark) / (flat − dark)). Flats and darks are medians over their
//! exposures, so that a cosmic ray in a single exposure has no effect.

use super::setup::{Setup, Values};
use crate::data::{Warning, Warnings};
use crate::error::{Error, Result};
use crate::formats::measured::Frames;
use ndarray::{Array2, Array3, ArrayView1, ArrayView3, Axis};
use rayon::prelude::*;

/// Smallest transmission; lower values are raised to it. It corresponds to a line integral of 13.8.
const FLOOR: f32 = 1e-6;
/// A pixel whose open beam is below this fraction of the median open beam is dead.
const DEAD: f32 = 0.02;

/// Kind of the values: as configured, otherwise counts if there are flats or an open beam, line integrals if not.
pub(super) fn values(setup: &Setup, frames: &Frames) -> Values {
    setup.values.unwrap_or(if frames.flats.is_some() || setup.open_beam.is_some() {
        Values::Counts
    } else {
        Values::LineIntegrals
    })
}

/// Transmission `[view, row, column]` of counts (1 in air, NaN for dead pixels); other values are returned unchanged.
pub(super) fn normalised(setup: &Setup, frames: &Frames, values: Values) -> Result<(Array3<f32>, Warnings)> {
    if values != Values::Counts {
        return Ok((frames.data.clone(), Warnings::new()));
    }
    let pixels = (frames.data.shape()[1], frames.data.shape()[2]);
    let dark = frames.darks.as_ref().map_or_else(|| Array2::zeros(pixels), |darks| median(darks.view()));
    let open = open_beam(setup, frames, &dark)?;
    let floor = DEAD * middle(&mut open.iter().copied().collect::<Vec<_>>());
    let mut transmission = frames.data.clone();
    transmission.axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut view| {
        ndarray::Zip::from(&mut view).and(&dark).and(&open).for_each(|value, &dark, &open| {
            *value = if open > floor { (*value - dark) / open } else { f32::NAN };
        });
    });
    let dead = open.iter().filter(|&&open| open.is_nan() || open <= floor).count();
    let message = format!("{dead} of {} pixels see no open beam and are replaced by their neighbours", open.len());
    let warnings = (dead > 0).then(|| Warning::new("bad_pixels", message));
    Ok((transmission, warnings.into_iter().collect()))
}

/// Counts of the open beam above the dark level in each pixel.
fn open_beam(setup: &Setup, frames: &Frames, dark: &Array2<f32>) -> Result<Array2<f32>> {
    match (&frames.flats, setup.open_beam) {
        (Some(flats), _) => Ok(median(flats.view()) - dark),
        (None, Some(level)) => Ok(Array2::from_elem(dark.dim(), level as f32) - dark),
        (None, None) => Err(Error::config("values", "counts need the open beam, and the data have no flats")
            .hint("name them in `flats`, write `open_beam: COUNTS`, or `values: transmission`")),
    }
}

/// Replaces transmissions by −ln of them, in place. The warning counts the values that were raised to the smallest
/// transmission.
pub(super) fn logarithm(transmission: &mut Array3<f32>) -> Option<Warning> {
    let dark: usize = transmission
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .map(|mut view| {
            let dark = view.iter().filter(|&&value| value < FLOOR).count();
            view.mapv_inplace(|value| -value.max(FLOOR).ln());
            dark
        })
        .sum();
    let message = format!(
        "{dark} of {} samples are at or below the dark level and are set to a transmission of {FLOOR:e}",
        transmission.len()
    );
    (dark > 0).then(|| Warning::new("clamped_counts", message))
}

/// Median over the exposures, as `[row, column]`.
fn median(frames: ArrayView3<f32>) -> Array2<f32> {
    frames.map_axis(Axis(0), |pixel: ArrayView1<f32>| {
        middle(&mut pixel.iter().copied().filter(|v| v.is_finite()).collect::<Vec<_>>())
    })
}

/// Median (the upper one of two middle values); NaN for an empty list.
pub(super) fn middle(values: &mut [f32]) -> f32 {
    if values.is_empty() {
        return f32::NAN;
    }
    let at = values.len() / 2;
    *values.select_nth_unstable_by(at, f32::total_cmp).1
}

/// Sets air at the detector's edges to zero, for each view and row, because beam intensities drift: subtracts the
/// straight line through the means of the `columns` outermost pixels on each side.
pub(super) fn level_air(integrals: &mut Array3<f32>, columns: usize) -> Result<()> {
    let width = integrals.shape()[2];
    if columns >= width.div_ceil(2) {
        return Err(Error::config(
            "air_columns",
            format!("expected less than half of the {width} columns, got {columns}"),
        ));
    }
    if columns == 0 {
        return Ok(());
    }
    let mean = |values: ArrayView1<f32>| values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
    for mut view in integrals.axis_iter_mut(Axis(0)) {
        for mut row in view.rows_mut() {
            let left = mean(row.slice(ndarray::s![..columns]));
            let right = mean(row.slice(ndarray::s![width - columns..]));
            let (from, span) = ((columns as f64 - 1.0) / 2.0, (width - columns) as f64);
            row.indexed_iter_mut()
                .for_each(|(i, value)| *value -= (left + (right - left) * (i as f64 - from) / span) as f32);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn frames(data: [f32; 4], flats: Option<Vec<f32>>) -> Frames {
        let part = |values: Vec<f32>| Array3::from_shape_vec((values.len() / 4, 1, 4), values).unwrap();
        Frames::new(Path::new("t"), part(data.to_vec()), flats.map(part), Some(part(vec![10.0; 4])), None).unwrap()
    }

    #[test]
    fn counts_become_line_integrals_and_a_cosmic_ray_in_a_flat_does_no_harm() {
        let flats = [vec![110.0; 4], vec![110.0, 9000.0, 110.0, 110.0], vec![110.0; 4]].concat();
        let (mut transmission, warnings) =
            normalised(&Setup::default(), &frames([110.0, 60.0, 35.0, 10.0], Some(flats)), Values::Counts).unwrap();
        assert_eq!((transmission.iter().copied().collect::<Vec<_>>(), warnings.len()), (vec![1.0, 0.5, 0.25, 0.0], 0));
        let warning = logarithm(&mut transmission).unwrap();
        assert!(warning.message.starts_with("1 of 4") && (transmission[[0, 0, 2]] - 4f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn dead_pixels_are_marked_and_counted_and_counts_without_open_beam_refused() {
        let (transmission, warnings) =
            normalised(&Setup::default(), &frames([60.0; 4], Some(vec![110.0, 11.0, 10.0, 110.0])), Values::Counts)
                .unwrap();
        assert!(
            transmission[[0, 0, 1]].is_nan()
                && transmission[[0, 0, 2]].is_nan()
                && warnings[0].message.starts_with("2 of 4")
        );
        assert!(
            normalised(&Setup::default(), &frames([60.0; 4], None), Values::Counts)
                .unwrap_err()
                .to_string()
                .contains("open_beam")
        );
        let level = Setup { open_beam: Some(110.0), ..Setup::default() };
        assert_eq!(normalised(&level, &frames([60.0; 4], None), Values::Counts).unwrap().0[[0, 0, 0]], 0.5);
    }

    #[test]
    fn a_drifting_beam_is_levelled_at_both_edges() {
        let mut integrals = Array3::from_shape_fn((2, 1, 12), |(view, _, column)| view as f32 + 0.1 * column as f32);
        level_air(&mut integrals, 3).unwrap();
        assert!(integrals.iter().all(|value| value.abs() < 1e-5), "{integrals:?}");
        for columns in [6, usize::MAX] {
            assert!(level_air(&mut integrals, columns).is_err());
        }
    }
}
