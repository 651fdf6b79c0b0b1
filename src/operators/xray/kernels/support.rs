//! The support of the object from its projections: a voxel is air if some view shows only air along the rays through
//! it.

use super::pixels::{PixelMap, at};
use crate::data::{Geometry, Grid};
use rayon::prelude::*;

/// For each voxel `[z, y, x]` whether it may contain material. It is false if, in some view, the footprint of the voxel
/// and at least one more pixel around it are on the detector and all below `threshold` (a line integral, unitless).
///
/// # Panics
/// If the length of `projections` `[view, row, column]` is not that of the geometry.
#[must_use]
pub fn seen_support(grid: &Grid, geometry: &Geometry, projections: &[f32], threshold: f32) -> Vec<bool> {
    assert_eq!(projections.len(), geometry.samples(), "one value per sample");
    let [_, rows, columns] = geometry.shape();
    let views: Vec<(PixelMap, Vec<bool>)> = projections
        .par_chunks(rows * columns)
        .enumerate()
        .filter_map(|(view, values)| {
            let map = PixelMap::new(grid, geometry, view);
            let [high, wide] = reach(&map, grid.shape)?;
            let something = values.iter().map(|&value| value >= threshold || value.is_nan()).collect();
            let something = widened(something, columns, wide);
            // In 2-D every voxel is on the single row.
            let near = if map.flat {
                something
            } else {
                transposed(&widened(transposed(&something, columns), rows, high), rows)
            };
            Some((map, near))
        })
        .collect();
    let [_, ny, nx] = grid.shape;
    let mut support = vec![true; grid.voxels()];
    support.par_chunks_mut(nx).enumerate().for_each(|(line, support)| {
        let start = [(line / ny) as f64, (line % ny) as f64, 0.0];
        for (map, near) in &views {
            keep_line(map, near, start, support);
        }
    });
    support
}

/// Removes the voxels of a line along x from the support that are projected onto the detector with no material near
/// their pixel.
fn keep_line(map: &PixelMap, near: &[bool], start: [f64; 3], support: &mut [bool]) {
    let [rows, columns] = map.pixels;
    let (depth, across, along) = (at(&map.depth, start), at(&map.across, start), at(&map.along, start));
    for (x, support) in support.iter_mut().enumerate() {
        let x = x as f64;
        let (mut depth, across, along) =
            (depth + x * map.depth[2], across + x * map.across[2], along + x * map.along[2]);
        let column = match map.columns_per_radian {
            None => across / depth,
            Some(per_radian) => (across / depth).atan() * per_radian,
        };
        if map.columns_per_radian.is_some() {
            depth = depth.hypot(across);
        }
        // Add half a pixel, so that truncation rounds. Voxels off the detector are kept.
        let row = if map.flat { 0.5 } else { along / depth + map.middle[0] + 0.5 };
        let column = column + map.middle[1] + 0.5;
        if row >= 0.0 && column >= 0.0 && row < rows as f64 && column < columns as f64 {
            *support &= near[row as usize * columns + column as usize];
        }
    }
}

/// Upper bounds, in rows and columns from the pixel under a voxel's centre, of the voxel's footprint plus one pixel,
/// for voxels whose centre is on the detector; `None` if some voxels are behind the source or beside it.
fn reach(map: &PixelMap, shape: [usize; 3]) -> Option<[usize; 2]> {
    // On a flat detector the coordinate is f = n / d with affine n and d, so that |f(p + e) − f(p)| = |(n' − f d') e| /
    // d(p + e), with e half a voxel in each direction. On a cylinder the tangent of the angle is used instead of the
    // angle, which is an upper bound.
    let edge = |sign: f64| -> f64 { (0..3).map(|k| (sign * map.depth[k] * (shape[k] as f64 - 1.0)).min(0.0)).sum() };
    let half: f64 = (0..3).map(|k| map.depth[k].abs() / 2.0).sum();
    let (nearest, farthest) =
        (at(&map.depth, [0.0; 3]) + edge(1.0) - half, at(&map.depth, [0.0; 3]) - edge(-1.0) + half);
    if nearest <= 0.0 {
        return None;
    }
    let spread =
        |n: &[f64; 4], most: f64| (0..3).map(|k| n[k].abs() + most * map.depth[k].abs()).sum::<f64>() / 2.0 / nearest;
    let (across, along) = (map.middle[1] + 1.0, map.middle[0] + 1.0);
    let (column, row) = match map.columns_per_radian {
        None => (spread(&map.across, across), spread(&map.along, along)),
        Some(per_radian) => {
            // The row depends on the distance from the cylinder's axis, which is at most the depth divided by the
            // cosine of the fan angle.
            let tangent = (across / per_radian).min(1.5).tan();
            (
                spread(&map.across, tangent) * per_radian,
                spread(&map.along, along * tangent.hypot(1.0)) * farthest / nearest,
            )
        }
    };
    // Add half a pixel, the distance of the voxel's centre from its pixel's centre, and the one pixel more.
    Some([row, column].map(|pixels| (pixels + 1.5).min(1e9) as usize))
}

/// Marks every pixel of a row that is at most `reach` columns away from a marked pixel or from beyond the end of the
/// row.
fn widened(row_by_row: Vec<bool>, columns: usize, reach: usize) -> Vec<bool> {
    let mut near = row_by_row;
    for row in near.chunks_mut(columns) {
        let marks: Vec<isize> = (0..columns).filter(|&i| row[i]).map(|i| i as isize).collect();
        // Beyond the detector there may be material.
        let (mut before, mut next) = (-1, marks.iter().copied().chain([columns as isize]).peekable());
        for (i, near) in row.iter_mut().enumerate() {
            let i = i as isize;
            while let Some(mark) = next.next_if(|&mark| mark <= i) {
                before = mark;
            }
            let after = next.peek().copied().unwrap_or(columns as isize);
            *near = (i - before).min(after - i) <= reach as isize;
        }
    }
    near
}

fn transposed(values: &[bool], columns: usize) -> Vec<bool> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::joseph;
    use super::*;
    use crate::data::{Detector, DetectorShape, Source, View};

    fn scan(shape: DetectorShape) -> Geometry {
        let views = (0..16).map(|i| {
            let (s, c) = (std::f64::consts::TAU * f64::from(i) / 16.0).sin_cos();
            let source = Source::Point([200.0 * c, 200.0 * s, 0.0]);
            View { source, center: [-100.0 * c, -100.0 * s, 0.0], u: [-2.0 * s, 2.0 * c, 0.0], v: [0.0, 0.0, 2.0] }
        });
        Geometry::new(views.collect(), Detector { rows: 40, columns: 40, shape }, None).unwrap()
    }

    #[test]
    fn every_voxel_of_the_object_stays_and_most_others_go() {
        let grid = Grid::centered([24, 26, 28], [2.0, 1.9, 1.8], [0.0; 3]).unwrap();
        for shape in [DetectorShape::Flat, DetectorShape::Cylindrical] {
            let geometry = scan(shape);
            let mut volume = vec![0.0; grid.voxels()];
            for (i, voxel) in volume.iter_mut().enumerate() {
                let p = grid.point([(i / 728) as f64, (i / 28 % 26) as f64, (i % 28) as f64]);
                let far = (p[0] - 6.0).powi(2) / 64.0 + p[1].powi(2) / 100.0 + (p[2] + 4.0).powi(2) / 49.0;
                *voxel = if far < 1.0 { 1.0 } else { 0.0 };
            }
            let mut projections = vec![0.0; geometry.samples()];
            joseph::forward(&grid, &geometry.views, &geometry.detector, &volume, &mut projections);
            let support = seen_support(&grid, &geometry, &projections, 1e-6);
            assert!(volume.iter().zip(&support).all(|(&v, &s)| v == 0.0 || s), "{shape:?}");
            let (object, kept) = (volume.iter().filter(|&&v| v > 0.0).count(), support.iter().filter(|&&s| s).count());
            assert!(kept < 4 * object && kept < grid.voxels() / 3, "{shape:?}: object {object}, support {kept}");
        }
    }

    #[test]
    fn widening_reaches_as_far_as_told_and_to_the_ends() {
        let mut row = vec![false; 12];
        row[6] = true;
        let near = widened(row, 12, 2);
        assert_eq!(near, [true, true, false, false, true, true, true, true, true, false, true, true]);
    }

    #[test]
    fn what_no_view_sees_fully_is_kept() {
        let grid = Grid::centered([61, 3, 3], [3.0; 3], [0.0; 3]).unwrap();
        let geometry = scan(DetectorShape::Flat);
        let support = seen_support(&grid, &geometry, &vec![0.0; geometry.samples()], 0.1);
        assert!(support[0] && !support[30 * 9 + 4]);
    }
}
