//! Which voxels can hold anything: a voxel that some view sees through nothing but air is air.

use super::pixels::{PixelMap, at};
use crate::data::{Geometry, Grid};
use rayon::prelude::*;

/// Per voxel `[z, y, x]` whether it may hold something: false if in some view all pixels under the voxel, its whole
/// footprint and one pixel around it, are on the detector and below `threshold` (a line integral, unitless).
///
/// # Panics
/// When `projections` `[view, row, column]` has not the geometry's length.
#[must_use]
pub fn seen_support(grid: &Grid, geometry: &Geometry, projections: &[f32], threshold: f32) -> Vec<bool> {
    assert_eq!(projections.len(), geometry.samples(), "one value per sample");
    let [_, rows, columns] = geometry.shape();
    let views: Vec<(PixelMap, Counts)> = projections
        .par_chunks(rows * columns)
        .enumerate()
        .map(|(view, values)| (PixelMap::new(grid, geometry, view), Counts::new(values, columns, threshold)))
        .collect();
    let [_, ny, nx] = grid.shape;
    let mut support = vec![true; grid.voxels()];
    support.par_chunks_mut(nx).enumerate().for_each(|(line, support)| {
        for (x, support) in support.iter_mut().enumerate() {
            let index = [(line / ny) as f64, (line % ny) as f64, x as f64];
            *support = !views.iter().any(|(map, counts)| footprint(map, index).is_some_and(|window| counts.of(window) == 0));
        }
    });
    support
}

/// First and last row and column of the pixels under a voxel and one more on each side; `None` if some are off the detector.
fn footprint(map: &PixelMap, index: [f64; 3]) -> Option<[(usize, usize); 2]> {
    let (place, depth) = map.locate(index)?;
    // With f = n / d, |f(p + e) − f(p)| = |(n' − f d') e| / d(p + e) for the affine n and d of a plane detector; half a voxel
    // in each direction gives the farthest corner. On a cylinder the tangent takes the angle's place, which is larger.
    let spread = |n: &[f64; 4], f: f64| (0..3).map(|k| (n[k] - f * map.depth[k]).abs() / 2.0).sum::<f64>();
    let axial = at(&map.depth, index);
    let nearest = axial - (0..3).map(|k| map.depth[k].abs() / 2.0).sum::<f64>();
    if nearest <= 0.0 {
        return None;
    }
    let column = spread(&map.across, at(&map.across, index) / axial) / nearest * map.columns_per_radian.unwrap_or(1.0);
    let row = spread(&map.along, at(&map.along, index) / axial) / nearest * (axial / depth).max(1.0);
    let window = |at: f64, half: f64, count: usize| {
        let (low, high) = ((at - half - 0.5).floor(), (at + half + 0.5).ceil());
        (low >= 0.0 && high < count as f64).then_some((low as usize, high as usize))
    };
    let rows = if map.flat { (0, 0) } else { window(place[0], row, map.pixels[0])? };
    Some([rows, window(place[1], column, map.pixels[1])?])
}

/// Numbers of pixels not below the threshold in the rectangles from the first pixel (a summed-area table).
struct Counts {
    sums: Vec<u32>,
    stride: usize,
}

impl Counts {
    fn new(values: &[f32], columns: usize, threshold: f32) -> Self {
        let stride = columns + 1;
        let mut sums = vec![0u32; (values.len() / columns + 1) * stride];
        for (row, values) in values.chunks(columns).enumerate() {
            let mut so_far = 0;
            for (column, &value) in values.iter().enumerate() {
                so_far += u32::from(value >= threshold || value.is_nan());
                sums[(row + 1) * stride + column + 1] = sums[row * stride + column + 1] + so_far;
            }
        }
        Self { sums, stride }
    }

    fn of(&self, [(top, bottom), (left, right)]: [(usize, usize); 2]) -> u32 {
        let sum = |row: usize, column: usize| self.sums[row * self.stride + column];
        sum(bottom + 1, right + 1) + sum(top, left) - sum(top, right + 1) - sum(bottom + 1, left)
    }
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
    fn what_no_view_sees_fully_is_kept() {
        let grid = Grid::centered([61, 3, 3], [3.0; 3], [0.0; 3]).unwrap();
        let geometry = scan(DetectorShape::Flat);
        let support = seen_support(&grid, &geometry, &vec![0.0; geometry.samples()], 0.1);
        assert!(support[0] && !support[30 * 9 + 4]);
    }
}
