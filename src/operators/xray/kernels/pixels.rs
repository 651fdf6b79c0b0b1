//! Projection of the voxels of a grid onto the detector.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]

use crate::data::{DetectorShape, Geometry, Grid, Point, Source, cross, dot, norm, scale, sub};

/// An affine function of the index `[z, y, x]` of a grid: `[per z, per y, per x, constant]`.
pub(super) type Affine = [f64; 4];

#[inline(always)]
pub(super) fn at(f: &Affine, [z, y, x]: [f64; 3]) -> f64 {
    f[0] * z + f[1] * y + f[2] * x + f[3]
}

/// The pixel under each voxel of a grid in one view. A point is p = source + depth (arm + across u + along v), with
/// `arm` from the source to the detector centre; its column and row are `across` and `along`, counted from the middle
/// of the detector.
#[derive(Debug, Clone)]
pub(super) struct PixelMap {
    /// Depth along the arm, as a multiple of it; 1 for a parallel beam.
    pub(super) depth: Affine,
    /// `across` and `along`, each times depth.
    pub(super) across: Affine,
    pub(super) along: Affine,
    /// Columns per radian of a cylindrical detector, for which `across` is the tangent of the angle; `None` for a flat
    /// one.
    pub(super) columns_per_radian: Option<f64>,
    /// (rows − 1)/2 and (columns − 1)/2; on a cylinder the row at the height of the source.
    pub(super) middle: [f64; 2],
    pub(super) pixels: [usize; 2],
    /// Whether the grid is one slice and the detector one row, so that every voxel is on that row.
    pub(super) flat: bool,
}

impl PixelMap {
    pub(super) fn new(grid: &Grid, geometry: &Geometry, view: usize) -> Self {
        let exposure = &geometry.views[view];
        let [_, rows, columns] = geometry.shape();
        let (from, arm) = match exposure.source {
            Source::Point(source) => (source, sub(exposure.center, source)),
            Source::Direction(direction) => (exposure.center, direction),
        };
        let point_source = matches!(exposure.source, Source::Point(_));
        let cylinder = point_source && geometry.detector.shape == DetectorShape::Cylindrical;
        // On a cylinder `across` is the tangent of the angle, so its unit is the arm's length instead of a pitch.
        let lift = if cylinder { dot(arm, exposure.v) / dot(exposure.v, exposure.v) } else { 0.0 };
        let arm = sub(arm, scale(exposure.v, lift));
        let per_radian = norm(arm) / norm(exposure.u);
        let u = if cylinder { scale(exposure.u, per_radian) } else { exposure.u };
        let basis = [arm, u, exposure.v];
        let [depth, across, along] = [0, 1, 2].map(|k| {
            let normal = cross(basis[(k + 1) % 3], basis[(k + 2) % 3]);
            affine(grid, from, scale(normal, 1.0 / dot(basis[k], normal)))
        });
        Self {
            depth: if point_source { depth } else { [0.0, 0.0, 0.0, 1.0] },
            across,
            along,
            columns_per_radian: cylinder.then_some(per_radian),
            middle: [(rows as f64 - 1.0) / 2.0 - lift, (columns as f64 - 1.0) / 2.0],
            pixels: [rows, columns],
            flat: super::rays::is_flat(grid, &geometry.detector),
        }
    }

    /// Detector index (row, column) under a voxel, and the voxel's distance from the source as a multiple of the
    /// detector's: along the arm, or on a cylinder from its axis. `None` behind the source.
    #[inline(always)]
    pub(super) fn locate(&self, index: [f64; 3]) -> Option<([f64; 2], f64)> {
        let (depth, across, along) = (at(&self.depth, index), at(&self.across, index), at(&self.along, index));
        if depth <= 0.0 {
            return None;
        }
        let (depth, column) = match self.columns_per_radian {
            None => (depth, across / depth),
            Some(per_radian) => (depth.hypot(across), (across / depth).atan() * per_radian),
        };
        let row = if self.flat { 0.0 } else { along / depth + self.middle[0] };
        Some(([row, column + self.middle[1]], depth))
    }

    /// Whether the pixel under a voxel is on the detector, edges of the outermost pixels included.
    pub(super) fn sees(&self, index: [f64; 3]) -> bool {
        self.locate(index).is_some_and(|(place, _)| {
            place.iter().zip(self.pixels).all(|(&x, count)| x >= -0.5 && x < count as f64 - 0.5)
        })
    }

    /// Whether voxels along an array axis have the same detector column and equidistant rows.
    pub(super) fn shares_columns(&self, axis: usize, shape: [usize; 3]) -> bool {
        let per_column = self.columns_per_radian.unwrap_or(1.0);
        let drift = self.depth[axis].abs() * self.middle[1].max(self.middle[0]) + self.across[axis].abs() * per_column;
        drift * shape[axis] as f64 <= 1e-5 * self.depth[3].abs()
    }

    /// Largest distance on the detector between neighbouring voxels along an array axis, in pixels; infinite if some
    /// voxels are behind the source.
    pub(super) fn steps_along(&self, axis: usize, shape: [usize; 3]) -> f64 {
        let nearest = self.depth[3] + (0..3).map(|k| (self.depth[k] * (shape[k] as f64 - 1.0)).min(0.0)).sum::<f64>();
        let step = if self.flat { self.across[axis] } else { self.along[axis] };
        if nearest > 0.0 { step.abs() / nearest } else { f64::INFINITY }
    }
}

/// (p − from) · covector as a function of the index of p.
fn affine(grid: &Grid, from: Point, covector: Point) -> Affine {
    let step = |k: usize| dot(grid.step(k), covector);
    [step(0), step(1), step(2), dot(sub(grid.origin, from), covector)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, View};

    #[test]
    fn the_ray_of_the_pixel_found_passes_the_voxel() {
        let grid = Grid::centered([5, 6, 7], [2.0, 3.0, 4.0], [1.0, 2.0, 3.0]).unwrap();
        let point = View {
            source: Source::Point([300.0, 20.0, 5.0]),
            center: [-200.0, 3.0, 1.0],
            u: [0.3, 2.0, 0.0],
            v: [0.0, 0.2, 1.5],
        };
        let beam = View { source: Source::Direction([-0.8, -0.6, 0.1]), ..point };
        for (view, shape) in
            [(point, DetectorShape::Flat), (point, DetectorShape::Cylindrical), (beam, DetectorShape::Flat)]
        {
            let geometry = Geometry::new(vec![view], Detector { rows: 9, columns: 8, shape }, None).unwrap();
            let map = PixelMap::new(&grid, &geometry, 0);
            for index in [[0.0, 0.0, 0.0], [4.0, 2.5, 6.0]] {
                let ([row, column], _) = map.locate(index).unwrap();
                let (start, direction) = geometry.ray(0, row, column);
                let aside = cross(sub(grid.point(index), start), direction);
                assert!(norm(aside) < 1e-9, "{shape:?} {index:?}: {aside:?}");
            }
        }
    }
}
