//! Rays in index coordinates of a grid, and their intersection with its box, for ray-driven integrals.

use crate::data::{Geometry, Grid, Point, Source, dot};
use std::ops::Range;

/// One ray in fractional index coordinates `[z, y, x]` of a grid: index(t) = origin + t · direction, t in mm of world
/// length, inside the box of voxels for t in `[enter, leave]` (empty where `leave <= enter`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexRay {
    /// Index coordinates at t = 0.
    pub origin: [f64; 3],
    /// Index coordinates per mm.
    pub direction: [f64; 3],
    /// Where the ray begins, mm: 0 at a point source, −∞ in a parallel beam.
    pub begin: f64,
    /// Parameter t (mm) at which the ray enters the box.
    pub enter: f64,
    /// Parameter t (mm) at which the ray leaves the box.
    pub leave: f64,
}

impl IndexRay {
    /// The ray through the world point `origin` along the unit vector `direction`, from t = `begin` on. In 2-D the box
    /// is the slice's plane: the z coordinate is ignored.
    #[must_use]
    pub fn new(grid: &Grid, origin: Point, direction: Point, begin: f64) -> Self {
        let start = grid.index(origin);
        let slope: [f64; 3] = std::array::from_fn(|k| dot(direction, grid.axes[k]) / grid.spacing[k]);
        let (mut enter, mut leave) = (begin, f64::INFINITY);
        for k in usize::from(grid.is_2d())..3 {
            let (low, high) = (-0.5, grid.shape[k] as f64 - 0.5);
            if slope[k].abs() < 1e-12 {
                if start[k] < low || start[k] > high {
                    (enter, leave) = (0.0, 0.0);
                }
                continue;
            }
            let (a, b) = ((low - start[k]) / slope[k], (high - start[k]) / slope[k]);
            enter = enter.max(a.min(b));
            leave = leave.min(a.max(b));
        }
        if leave <= enter || !(leave - enter).is_finite() {
            (enter, leave) = (0.0, 0.0);
        }
        Self { origin: start, direction: slope, begin, enter, leave }
    }

    /// The ray of a sample of a scan, given by its flat index in C order `[view, row, column]`.
    #[must_use]
    pub fn of_sample(grid: &Grid, geometry: &Geometry, sample: usize) -> Self {
        let (columns, rows) = (geometry.detector.columns, geometry.detector.rows);
        let (view, row, column) = (sample / (rows * columns), sample / columns % rows, sample % columns);
        let (origin, direction) = geometry.ray(view, row as f64, column as f64);
        let begin = match geometry.views[view].source {
            Source::Point(_) => 0.0,
            Source::Direction(_) => f64::NEG_INFINITY,
        };
        Self::new(grid, origin, direction, begin)
    }

    /// Length inside the box, mm.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.leave - self.enter
    }

    /// The array axis along which the ray crosses most voxels: Joseph's main axis (never z in 2-D).
    #[must_use]
    pub fn main_axis(&self, is_2d: bool) -> usize {
        let first = usize::from(is_2d);
        (first..3).fold(first, |best, k| if self.direction[k].abs() > self.direction[best].abs() { k } else { best })
    }
}

/// The rays of a range of flat sample indices (C order `[view, row, column]`).
pub fn of_samples(grid: &Grid, geometry: &Geometry, samples: Range<usize>) -> Vec<IndexRay> {
    use rayon::prelude::*;
    samples.into_par_iter().map(|sample| IndexRay::of_sample(grid, geometry, sample)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ray_through_the_centre_crosses_the_whole_box() {
        let grid = Grid::centered([4, 6, 8], [2.0, 1.0, 0.5], [1.0, 2.0, 3.0]).unwrap();
        let ray = IndexRay::new(&grid, [1.0, -100.0, 3.0], [0.0, 1.0, 0.0], 0.0);
        assert!((ray.length() - 6.0).abs() < 1e-9 && ray.main_axis(false) == 1);
        assert!((ray.enter - 99.0).abs() < 1e-9);
    }

    #[test]
    fn a_ray_beside_the_box_has_no_length() {
        let grid = Grid::centered([4, 6, 8], [1.0; 3], [0.0; 3]).unwrap();
        assert_eq!(IndexRay::new(&grid, [50.0, -100.0, 0.0], [0.0, 1.0, 0.0], 0.0).length(), 0.0);
        assert_eq!(IndexRay::new(&grid, [-100.0, -100.0, 0.0], [0.6, 0.8, 0.0], 0.0).length(), 0.0);
    }
}
