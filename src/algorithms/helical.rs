//! FDK on a helix by an approximation: every voxel takes the weighted mean over the views that see it.
//!
//! f(x) = π Σ_β w (R/U)² [(cos · p_β) * h](u, v) / Σ_β w, where the row weight w falls to zero over the outer rows of
//! the detector, so that a voxel enters and leaves it gradually. On a circle all views see every voxel, w = 1, and this
//! is FDK. On a helix a voxel is seen over half a turn to a few turns: redundant rays are averaged instead of being
//! weighted exactly, and the cone angle is treated as in FDK (Feldkamp-type helical reconstruction: Kudo and Saito,
//! IEICE Trans. J74-D-II (1991) 1108; G. Wang, T.-H. Lin, P.-C. Cheng, D. M. Shinozaki, IEEE Trans. Med. Imaging 12
//! (1993) 486). Good for small pitches; iterative methods need no approximation.

use crate::data::{AngularSweep, Geometry, Grid, Orbit, Source, View, norm, sub};
use rayon::prelude::*;
use std::f64::consts::{PI, TAU};

/// Largest deviation of the views from an exact helix that is accepted, mm.
const TOLERANCE: f64 = 1e-3;
/// Fraction of the detector rows, at each end, over which the row weight rises from 0 to 1.
const FEATHER: f64 = 0.2;

/// The circular orbit of a helix about z without its axial movement, or `None` if the views, in any order, do not form
/// such a helix. The isocentre is at the height of the lowest source; the angles (radians) are unwrapped, so that they
/// continue past whole turns.
pub(super) fn circle_of(geometry: &Geometry) -> Option<Orbit> {
    let height = |view: &View| if let Source::Point(p) = view.source { Some(p[2]) } else { None };
    let heights = geometry.views.iter().map(height).collect::<Option<Vec<f64>>>()?;
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    let climbed: Vec<f64> = order.iter().map(|&view| heights[view] - heights[order[0]]).collect();
    let levelled = |(&view, up): (&usize, &f64)| lowered(&geometry.views[view], *up);
    let level: Vec<View> = order.iter().zip(&climbed).map(levelled).collect();
    let orbit = Orbit::of_views(&level)?;
    let angles = along(&orbit.angles, &climbed)?;
    let slope = climbed.last()? / (angles.last()? - angles.first()?);
    let even = climbed.iter().zip(&angles).all(|(up, angle)| (up - slope * (angle - angles[0])).abs() < TOLERANCE);
    let mut listed = vec![0.0; angles.len()];
    order.iter().zip(&angles).for_each(|(&view, &angle)| listed[view] = angle);
    (even && slope != 0.0).then_some(Orbit { angles: listed, ..orbit })
}

/// The view moved down along z by `by` mm, source and detector alike.
fn lowered(view: &View, by: f64) -> View {
    let mut view = *view;
    if let Source::Point(source) = &mut view.source {
        source[2] -= by;
    }
    view.center[2] -= by;
    view
}

/// Unwraps the angles (radians) of views sorted by height: multiples of a turn are added so that each angle differs
/// from the one below it by at most half a turn. `None` if the rotation changes direction, except between views of one
/// height.
fn along(angles: &[f64], climbed: &[f64]) -> Option<Vec<f64>> {
    let mut angles = angles.to_vec();
    for i in 1..angles.len() {
        angles[i] -= TAU * ((angles[i] - angles[i - 1]) / TAU).round();
    }
    let sign = (angles.last()? - angles.first()?).signum();
    let steady = |i: usize| (angles[i] - angles[i - 1]) * sign > 0.0 || (climbed[i] - climbed[i - 1]).abs() < TOLERANCE;
    (1..angles.len()).all(steady).then_some(angles)
}

/// Angular step of each view of a helix, radians: half the distance between its two neighbours in angle; views at the
/// same angle share it.
pub(super) fn steps(angles: &[f64]) -> Vec<f64> {
    let (low, high) = angles.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &a| (l.min(a), h.max(a)));
    // With a period longer than the helix no angle repeats, and the widest gap is the one after the last view.
    AngularSweep::of(angles, 3.0 * (high - low).max(TAU)).steps
}

/// Weight w of each detector row, 0 to 1.
pub(super) fn row_weights(rows: usize) -> Vec<f64> {
    let rise = (FEATHER * rows as f64).max(1.0);
    (0..rows).map(|row| ((row.min(rows - 1 - row) as f64 + 0.5) / rise).min(1.0)).collect()
}

/// Divides the backprojected sums by the sums of the weights and multiplies by π; a voxel that no view sees becomes 0
/// (air). `steps` are the angular steps of the views, radians. The slices of the grid must be perpendicular to z.
pub(super) fn normalise(grid: &Grid, geometry: &Geometry, steps: &[f64], weights: &[f64], values: &mut [f32]) {
    let [_, ny, nx] = grid.shape;
    let plane = ny * nx;
    values.par_chunks_mut(plane).enumerate().for_each(|(z, values)| {
        for (n, value) in values.iter_mut().enumerate() {
            let point = grid.point([z as f64, (n / nx) as f64, (n % nx) as f64]);
            let seen = |view: usize| {
                let (row, column) = geometry.project(view, point)?;
                let inside = (-0.5..=geometry.detector.columns as f64 - 0.5).contains(&column);
                inside.then(|| steps[view] * at(weights, row))
            };
            let sum: f64 = (0..geometry.views.len()).filter_map(seen).sum();
            *value = if sum > 1e-6 { (f64::from(*value) * PI / sum) as f32 } else { 0.0 };
        }
    });
}

/// The row weight at a fractional row, interpolated as in the backprojection: linearly, and towards zero outside the
/// outermost rows.
fn at(weights: &[f64], row: f64) -> f64 {
    let below = row.floor();
    let one = |row: f64| if row >= 0.0 && row < weights.len() as f64 { weights[row as usize] } else { 0.0 };
    let part = row - below;
    (1.0 - part) * one(below) + part * one(below + 1.0)
}

/// Whether the grid's slices are perpendicular to z, as [`normalise`] requires.
pub(super) fn level(grid: &Grid) -> bool {
    norm(sub(grid.axes[0], [0.0, 0.0, 1.0])) < 1e-6
}
