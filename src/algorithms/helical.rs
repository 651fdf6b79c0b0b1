//! FDK on a helix, by a stated approximation: every voxel takes the mean over the views that see it.
//!
//! f(x) = π Σ_β w (R/U)² [(cos · p_β) * h](u, v) / Σ_β w, w falling to zero over the outer rows of the detector so that
//! a voxel does not enter and leave it at once. On a circle all views see every voxel, w = 1, and this is FDK. On a
//! helix a voxel is seen over more than half a turn and less than a few: rays measured twice are averaged instead of
//! shared exactly, and the cone angle is treated as FDK treats it (Feldkamp-type helical reconstruction: Kudo and
//! Saito, IEICE Trans. J74-D-II (1991) 1108; G. Wang, T.-H. Lin, P.-C. Cheng, D. M. Shinozaki, IEEE Trans. Med. Imaging
//! 12 (1993) 486). Good for small pitches; iterative methods need no approximation.

use crate::data::{Geometry, Grid, Orbit, Source, norm, sub};
use rayon::prelude::*;
use std::f64::consts::PI;

/// Largest deviation from a helix, mm, that still is one.
const TOLERANCE: f64 = 1e-3;
/// Part of the rows, at each end, over which the weight of a row rises from 0 to 1.
const FEATHER: f64 = 0.2;

/// The circle that the views of a helix stand on if their climbing is left out, where they stand on a helix about z;
/// its isocentre is at the height of the first source.
pub(super) fn circle_of(geometry: &Geometry) -> Option<Orbit> {
    let height = |source: Source| if let Source::Point(p) = source { Some(p[2]) } else { None };
    let first = height(geometry.views.first()?.source)?;
    let mut level = geometry.views.clone();
    let mut heights = Vec::new();
    for view in &mut level {
        let climbed = height(view.source)? - first;
        heights.push(climbed);
        let Source::Point(source) = &mut view.source else { return None };
        source[2] -= climbed;
        view.center[2] -= climbed;
    }
    let orbit = Orbit::of_views(&level)?;
    let angles = &orbit.angles;
    let slope = (heights.last()? - heights.first()?) / (angles.last()? - angles.first()?);
    let even =
        heights.iter().zip(angles).all(|(height, angle)| (height - slope * (angle - angles[0])).abs() < TOLERANCE);
    (even && slope != 0.0).then_some(orbit)
}

/// Weight of each row.
pub(super) fn row_weights(rows: usize) -> Vec<f64> {
    let rise = (FEATHER * rows as f64).max(1.0);
    (0..rows).map(|row| ((row.min(rows - 1 - row) as f64 + 0.5) / rise).min(1.0)).collect()
}

/// Divides the sums over views by the sums of their weights, and multiplies by π; a voxel that no view sees is air.
/// `steps` are the parts of the arc that the views stand for, radians. The grid's slices are level and its axes along
/// x, y, z up to a turn about z.
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

/// A row's weight between rows, falling to zero beside the outermost, as the backprojection interpolates.
fn at(weights: &[f64], row: f64) -> f64 {
    let below = row.floor();
    let one = |row: f64| if row >= 0.0 && row < weights.len() as f64 { weights[row as usize] } else { 0.0 };
    let part = row - below;
    (1.0 - part) * one(below) + part * one(below + 1.0)
}

/// Whether the grid's slices are level, as the weights ask for.
pub(super) fn level(grid: &Grid) -> bool {
    norm(sub(grid.axes[0], [0.0, 0.0, 1.0])) < 1e-6
}
