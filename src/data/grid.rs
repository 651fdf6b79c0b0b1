//! [`Grid`]: position, spacing and orientation of a volume's voxels.

use super::vectors::{Point, add, dot, norm, scale, sub};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Voxel grid. `shape` and `spacing` (mm) in array order `[z, y, x]`; `origin` = LPS (x, y, z) in mm of the centre
/// of voxel `[0, 0, 0]`; `axes[k]` = LPS unit vector along array axis `k`. A 2-D image has shape `[1, ny, nx]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Grid {
    /// Number of voxels along each array axis.
    pub shape: [usize; 3],
    /// Distance between voxel centres along each array axis, mm.
    pub spacing: [f64; 3],
    /// LPS (x, y, z) of the centre of voxel `[0, 0, 0]`, mm.
    pub origin: Point,
    /// LPS unit vectors along the array axes, mutually orthogonal.
    pub axes: [Point; 3],
}

/// A grid as read from a file, before [`Grid::new`] checks it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    shape: [usize; 3],
    spacing: [f64; 3],
    origin: Point,
    axes: [Point; 3],
}

impl TryFrom<Unchecked> for Grid {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        Self::new(read.shape, read.spacing, read.origin, read.axes)
    }
}

impl Grid {
    /// Largest number of voxels that a grid may have (a volume of 2048 x 2048 x 2048).
    pub const MAX_VOXELS: usize = 1 << 33;

    /// Canonical orientation: array axes along +z, +y, +x of the world.
    pub const CANONICAL: [Point; 3] = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];

    /// Creates a grid and checks it.
    ///
    /// # Errors
    /// No voxels or more than [`Grid::MAX_VOXELS`], a spacing that is not positive and finite, an origin that is not
    /// finite, axes that are not orthonormal (to 1e-4).
    pub fn new(shape: [usize; 3], spacing: [f64; 3], origin: Point, axes: [Point; 3]) -> Result<Self> {
        let grid = Self { shape, spacing, origin, axes };
        grid.check()?;
        Ok(grid)
    }

    /// Creates a grid in canonical orientation whose box has its centre at `center` (mm).
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn centered(shape: [usize; 3], spacing: [f64; 3], center: Point) -> Result<Self> {
        let mut grid = Self { shape, spacing, origin: [0.0; 3], axes: Self::CANONICAL };
        grid.origin = sub(center, grid.point(grid.middle_index()));
        grid.check()?;
        Ok(grid)
    }

    fn check(&self) -> Result<()> {
        let fault = |problem: String| Err(Error::config("grid", problem));
        let voxels = self.shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
        if voxels.is_none_or(|n| n == 0 || n > Self::MAX_VOXELS) {
            return fault(format!("expected between 1 and {} voxels, got shape {:?}", Self::MAX_VOXELS, self.shape));
        }
        if self.spacing.iter().any(|s| !s.is_finite() || *s <= 0.0) {
            return fault(format!("expected positive spacing in mm, got {:?}", self.spacing));
        }
        if self.origin.iter().any(|v| !v.is_finite()) {
            return fault(format!("expected a finite origin in mm, got {:?}", self.origin));
        }
        let product = |i: usize, j: usize| dot(self.axes[i], self.axes[j]);
        let expected = |i: usize, j: usize| if i == j { 1.0 } else { 0.0 };
        if !(0..3).all(|i| (0..3).all(|j| (product(i, j) - expected(i, j)).abs() <= 1e-4)) {
            return fault(format!(
                "expected orthonormal axes, got {:?} (sheared volumes must be resampled)",
                self.axes
            ));
        }
        Ok(())
    }

    /// Number of voxels.
    #[must_use]
    pub fn voxels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the grid is a single slice `[1, ny, nx]`; fields then take two inputs and no z terms are used.
    #[must_use]
    pub fn is_2d(&self) -> bool {
        self.shape[0] == 1
    }

    /// The vector from one voxel centre to the next along array axis `k`, mm.
    #[must_use]
    pub fn step(&self, k: usize) -> Point {
        scale(self.axes[k], self.spacing[k])
    }

    /// World point (mm) of a fractional index `[z, y, x]`.
    #[must_use]
    pub fn point(&self, index: [f64; 3]) -> Point {
        (0..3).fold(self.origin, |point, k| add(point, scale(self.step(k), index[k])))
    }

    /// Fractional index `[z, y, x]` of a world point (mm).
    #[must_use]
    pub fn index(&self, point: Point) -> [f64; 3] {
        let offset = sub(point, self.origin);
        std::array::from_fn(|k| dot(offset, self.axes[k]) / self.spacing[k])
    }

    /// Fractional index `[z, y, x]` of the centre of the box.
    pub(crate) fn middle_index(&self) -> [f64; 3] {
        self.shape.map(|n| (n as f64 - 1.0) / 2.0)
    }

    /// World point of the centre of the box of voxels, mm.
    #[must_use]
    pub fn center(&self) -> Point {
        self.point(self.middle_index())
    }

    /// Edge lengths of the box of voxels in array order, mm.
    #[must_use]
    pub fn extent(&self) -> [f64; 3] {
        std::array::from_fn(|k| self.shape[k] as f64 * self.spacing[k])
    }

    /// Volume of a voxel, mm³.
    #[must_use]
    pub fn voxel_mm3(&self) -> f64 {
        self.spacing.iter().product()
    }

    /// The eight corners of the box of voxels (mm); in 2-D the four corners of the slice's mid-plane, each listed
    /// twice.
    #[must_use]
    pub fn corners(&self) -> Vec<Point> {
        let ends = |k: usize| if k == 0 && self.is_2d() { [0.0, 0.0] } else { [-0.5, self.shape[k] as f64 - 0.5] };
        let mut corners = Vec::with_capacity(8);
        for z in ends(0) {
            for y in ends(1) {
                for x in ends(2) {
                    corners.push(self.point([z, y, x]));
                }
            }
        }
        corners
    }

    /// A grid over the same box with another number of voxels. A single slice stays one, with its nominal z spacing set
    /// to that along y.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn with_shape(&self, shape: [usize; 3]) -> Result<Self> {
        let extent = self.extent();
        let mut grid = Self { shape, ..self.clone() };
        if shape.contains(&0) {
            grid.check()?;
        }
        grid.spacing = std::array::from_fn(|k| extent[k] / shape[k] as f64);
        if shape[0] == 1 && self.shape[0] == 1 {
            grid.spacing[0] = grid.spacing[1];
        }
        grid.origin = add(self.center(), sub(grid.origin, grid.center()));
        grid.check()?;
        Ok(grid)
    }

    /// Distances [near, far] in mm along a ray (unit direction) at which it enters and leaves the box of voxels; near
    /// is at least 0, the starting point. `None` if the ray misses the box.
    #[must_use]
    pub fn crossing(&self, from: Point, ray: Point) -> Option<[f64; 2]> {
        let (mut near, mut far) = (0.0f64, f64::INFINITY);
        let arm = sub(from, self.center());
        for k in 0..3 {
            let half = self.extent()[k] / 2.0;
            let (at, along) = (dot(arm, self.axes[k]), dot(ray, self.axes[k]));
            if along.abs() < 1e-12 {
                if at.abs() > half {
                    return None;
                }
                continue;
            }
            let (a, b) = ((-half - at) / along, (half - at) / along);
            near = near.max(a.min(b));
            far = far.min(a.max(b));
        }
        (far > near).then_some([near, far])
    }

    /// Half the longest edge of the box, mm. Field coordinates are (p − centre) / this length, with one scale for all
    /// axes.
    #[must_use]
    pub fn half_extent(&self) -> f64 {
        let extent = self.extent();
        let relevant = if self.is_2d() { &extent[1..] } else { &extent[..] };
        relevant.iter().copied().fold(0.0, f64::max) / 2.0
    }

    /// Smallest ratio, over the axes, of this grid's voxel spacing to that of `other`, with the name of that axis (in
    /// 2-D only y and x are compared).
    #[must_use]
    pub fn least_coarser(&self, other: &Self) -> (&'static str, f64) {
        let first = usize::from(self.is_2d() || other.is_2d());
        let ratio = |k: usize| (["z", "y", "x"][k], self.spacing[k] / other.spacing[k]);
        (first..3).map(ratio).fold(("x", f64::INFINITY), |least, next| if next.1 < least.1 { next } else { least })
    }

    /// Whether two grids agree: same shape, and corners within `tolerance` times the smallest voxel spacing.
    #[must_use]
    pub fn matches(&self, other: &Self, tolerance: f64) -> bool {
        self.shape == other.shape
            && self.corners().iter().zip(other.corners()).all(|(a, b)| {
                norm(sub(*a, b)) <= tolerance * self.spacing.iter().copied().fold(f64::INFINITY, f64::min)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_inverts_point_on_an_oblique_grid() {
        let (s, c) = 0.3f64.sin_cos();
        let grid =
            Grid::new([4, 5, 6], [2.0, 1.0, 0.5], [10.0, -3.0, 7.0], [[0.0, 0.0, 1.0], [-s, c, 0.0], [c, s, 0.0]])
                .unwrap();
        let index = [1.25, 3.5, 0.75];
        let back = grid.index(grid.point(index));
        assert!(index.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn another_shape_keeps_the_box() {
        let grid = Grid::centered([10, 20, 30], [1.0, 2.0, 3.0], [5.0, 6.0, 7.0]).unwrap();
        let coarse = grid.with_shape([5, 10, 10]).unwrap();
        assert_eq!(coarse.extent(), grid.extent());
        assert_eq!(coarse.center(), grid.center());
        assert!(norm(sub(coarse.corners()[0], grid.corners()[0])) < 1e-9);
    }

    #[test]
    fn impossible_grids_are_refused() {
        let ok = Grid::CANONICAL;
        assert!(Grid::new([0, 1, 1], [1.0; 3], [0.0; 3], ok).is_err());
        assert!(Grid::new([usize::MAX, 2, 2], [1.0; 3], [0.0; 3], ok).is_err());
        assert!(Grid::new([1, 1, 1], [1.0, f64::NAN, 1.0], [0.0; 3], ok).is_err());
        assert!(Grid::new([1, 1, 1], [1.0; 3], [0.0; 3], [ok[0], ok[0], ok[2]]).is_err());
    }
}
