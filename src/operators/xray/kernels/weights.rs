//! Forward projection and exact transpose of a projector that is defined by the weights of its pixels: both use the
//! same definition.
//!
//! The projection sums over the weights of each pixel. The transpose divides the grid into parts that are contiguous in
//! memory; each task owns one part and adds the pixels in a fixed order, so that the result is bit-identical for any
//! number of threads. No matrix is stored, only the paths of a group of pixels at a time.

use super::lines::strides_of;
use super::rays::ViewRays;
use crate::data::{Detector, Grid, View};
use rayon::prelude::*;
use std::ops::Range;

/// A discrete X-ray transform, defined by the weights of one pixel.
pub(super) trait Weights {
    /// Precomputed path of a pixel, from which its weights follow.
    type Path: Send + Sync;
    /// Working memory of a task, reused for many paths.
    type Scratch: Default;
    /// The paths whose weights together are those of a pixel; none if it misses the grid.
    fn paths(rays: &ViewRays, shape: [usize; 3], row: usize, column: usize) -> impl Iterator<Item = Self::Path>;
    /// Calls `each` with (index in the grid, weight in mm) for the voxels of a part with which a path has a weight. The
    /// weight of a voxel does not depend on the part.
    fn visit(
        path: &Self::Path,
        part: &Block,
        shape: [usize; 3],
        scratch: &mut Self::Scratch,
        each: impl FnMut(usize, f64),
    );
}

/// A part of the grid: whole lines of voxels along x that are contiguous in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Indices along each array axis.
    pub(super) ranges: [Range<usize>; 3],
}

impl Block {
    /// The whole grid.
    fn whole(shape: [usize; 3]) -> Self {
        Self { ranges: shape.map(|n| 0..n) }
    }

    /// Index of its first voxel.
    fn first(&self, shape: [usize; 3]) -> usize {
        let strides = strides_of(shape);
        self.ranges[0].start * strides[0] + self.ranges[1].start * strides[1]
    }

    /// Divides a volume into at least [`PARTS`] parts with their voxels, if it has that many lines.
    fn cut(shape: [usize; 3], volume: &mut [f32]) -> Vec<(Self, &mut [f32])> {
        let [nz, ny, nx] = shape;
        let (depth, height) = if nz >= PARTS { (nz / PARTS, ny) } else { (1, ny.div_ceil(PARTS.div_ceil(nz))) };
        let slabs = volume.chunks_mut(depth * ny * nx).enumerate();
        let parts = slabs.flat_map(|(slab, values)| {
            let planes = slab * depth..(slab * depth + depth).min(nz);
            // A part is several slices, or a piece of one slice.
            let lines = if height == ny { values.len() } else { height * nx };
            values.chunks_mut(lines).enumerate().map(move |(piece, values)| {
                let rows = piece * height..(piece * height + height).min(ny);
                (Self { ranges: [planes.clone(), rows, 0..nx] }, values)
            })
        });
        parts.collect()
    }
}

/// Smallest number of parts into which the transpose divides the grid.
const PARTS: usize = 32;

/// Number of pixels whose paths are stored at a time.
const GROUP: usize = 1 << 16;

/// Number of pixels per task.
const TASK: usize = 64;

/// The pixels of a scan, by flat index in C order `[view, row, column]`.
struct RayTable<'a> {
    shape: [usize; 3],
    rays: Vec<ViewRays>,
    detector: &'a Detector,
}

impl<'a> RayTable<'a> {
    fn new(grid: &Grid, views: &[View], detector: &'a Detector) -> Self {
        Self {
            shape: grid.shape,
            rays: views.iter().map(|view| ViewRays::new(grid, view, detector)).collect(),
            detector,
        }
    }

    fn paths<W: Weights>(&self, pixel: usize) -> impl Iterator<Item = W::Path> {
        let (columns, rows) = (self.detector.columns, self.detector.rows);
        W::paths(&self.rays[pixel / (rows * columns)], self.shape, pixel / columns % rows, pixel % columns)
    }
}

/// Overwrites `projections` `[view, row, column]` with the weighted sums of a volume's voxels `[z, y, x]`.
pub(super) fn forward<W: Weights>(
    grid: &Grid,
    views: &[View],
    detector: &Detector,
    volume: &[f32],
    projections: &mut [f32],
) {
    check(grid, views, detector, volume.len(), projections.len());
    let (scan, whole) = (RayTable::new(grid, views, detector), Block::whole(grid.shape));
    projections.par_chunks_mut(TASK).enumerate().for_each(|(task, values)| {
        let mut scratch = W::Scratch::default();
        for (value, pixel) in values.iter_mut().zip(task * TASK..) {
            let mut sum = 0.0;
            for path in scan.paths::<W>(pixel) {
                W::visit(&path, &whole, grid.shape, &mut scratch, |voxel, weight| {
                    sum += weight * f64::from(volume[voxel]);
                });
            }
            *value = sum as f32;
        }
    });
}

/// Overwrites a volume `[z, y, x]` with the sums of `projections` `[view, row, column]` times the weights of
/// [`forward`].
pub(super) fn adjoint<W: Weights>(
    grid: &Grid,
    views: &[View],
    detector: &Detector,
    projections: &[f32],
    volume: &mut [f32],
) {
    check(grid, views, detector, volume.len(), projections.len());
    volume.fill(0.0);
    let scan = RayTable::new(grid, views, detector);
    let mut parts = Block::cut(grid.shape, volume);
    for first in (0..projections.len()).step_by(GROUP) {
        let pixels = first..(first + GROUP).min(projections.len());
        let lit = pixels.into_par_iter().filter(|&pixel| projections[pixel] != 0.0);
        let paths: Vec<(W::Path, f64)> = lit
            .flat_map_iter(|pixel| scan.paths::<W>(pixel).map(move |path| (path, f64::from(projections[pixel]))))
            .collect();
        parts.par_iter_mut().for_each(|(part, values)| {
            let (mut scratch, start) = (W::Scratch::default(), part.first(grid.shape));
            for (path, value) in &paths {
                W::visit(path, part, grid.shape, &mut scratch, |voxel, weight| {
                    values[voxel - start] += (weight * value) as f32;
                });
            }
        });
    }
}

fn check(grid: &Grid, views: &[View], detector: &Detector, voxels: usize, samples: usize) {
    assert_eq!(voxels, grid.voxels(), "one value per voxel");
    assert_eq!(samples, views.len() * detector.rows * detector.columns, "one value per pixel and view");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_tile_the_grid_in_the_order_of_memory() {
        for shape in [[1, 40, 7], [3, 50, 2], [31, 4, 5], [32, 4, 5], [100, 3, 2], [1, 1, 9], [20, 1, 1]] {
            let mut volume: Vec<f32> = (0..shape.iter().product::<usize>()).map(|i| i as f32).collect();
            let mut next = 0;
            for (part, values) in Block::cut(shape, &mut volume) {
                assert_eq!((part.first(shape), values[0]), (next, next as f32), "{shape:?}");
                assert_eq!(values.len(), part.ranges.iter().map(Range::len).product::<usize>(), "{shape:?}");
                next += values.len();
            }
            assert_eq!(next, volume.len());
        }
    }
}
