//! Voxel grids as files store them, and their conversion to canonical order (array axes closest to +z, +y, +x of LPS).

use crate::data::{Grid, Point, add, cross, dot, norm, scale};
use crate::error::Result;
use rayon::prelude::*;

/// Largest cosine between two array axes that still counts as orthogonal.
const SHEAR: f64 = 1e-3;

/// Voxel centres of a file: index `[i, j, k]` (slowest first, as the array is stored) is at
/// `origin + i steps[0] + j steps[1] + k steps[2]`, LPS mm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Affine {
    pub(super) shape: [usize; 3],
    pub(super) steps: [Point; 3],
    pub(super) origin: Point,
}

/// How a stored array becomes canonical: canonical axis `k` is stored axis `axes[k]`, reversed if `flips[k]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) axes: [usize; 3],
    pub(super) flips: [bool; 3],
}

impl Order {
    const IDENTITY: Self = Self { axes: [0, 1, 2], flips: [false; 3] };
}

/// Reason why an affine is not a grid.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// A step is zero or not finite, or the origin is not finite.
    Degenerate,
    /// Two axes are not orthogonal; holds the largest deviation from a right angle, degrees.
    Sheared(f64),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Degenerate => f.write_str("a step from voxel to voxel is zero or not finite"),
            Self::Sheared(degrees) => write!(f, "axes deviate {degrees:.2} degrees from right angles"),
        }
    }
}

impl Affine {
    /// Checks that all steps are finite and not zero, and that the axes are at right angles.
    pub(super) fn check(&self) -> std::result::Result<(), Fault> {
        let lengths_fit = self.steps.iter().all(|&step| norm(step).is_finite() && norm(step) > 0.0);
        if !lengths_fit || !self.origin.iter().all(|v| v.is_finite()) {
            return Err(Fault::Degenerate);
        }
        let cosine = |i: usize, j: usize| {
            (dot(self.steps[i], self.steps[j]) / (norm(self.steps[i]) * norm(self.steps[j]))).abs()
        };
        let worst = cosine(0, 1).max(cosine(1, 2)).max(cosine(2, 0));
        if worst > SHEAR { Err(Fault::Sheared(worst.min(1.0).asin().to_degrees())) } else { Ok(()) }
    }

    /// The permutation and flips that bring the array axes closest to +z, +y, +x.
    pub(super) fn canonical_order(&self) -> Order {
        const PERMUTATIONS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let along = |k: usize, axis: usize| dot(self.steps[axis], Grid::CANONICAL[k]) / norm(self.steps[axis]);
        let closeness = |axes: &[usize; 3]| (0..3).map(|k| along(k, axes[k]).abs()).sum::<f64>();
        // Among equally close permutations the first is taken, so that rounding does not decide at exactly 45 degrees.
        let best = PERMUTATIONS
            .iter()
            .fold(&PERMUTATIONS[0], |best, axes| if closeness(axes) > closeness(best) + 1e-9 { axes } else { best });
        Order { axes: *best, flips: std::array::from_fn(|k| along(k, best[k]) < 0.0) }
    }

    /// The affine of the reordered array.
    pub(super) fn reordered(&self, order: Order) -> Self {
        let shape = order.axes.map(|axis| self.shape[axis]);
        let to_last = |k: usize| scale(self.steps[order.axes[k]], shape[k].saturating_sub(1) as f64);
        let origin = (0..3).filter(|&k| order.flips[k]).fold(self.origin, |origin, k| add(origin, to_last(k)));
        let sign = |k: usize| if order.flips[k] { -1.0 } else { 1.0 };
        Self { shape, steps: std::array::from_fn(|k| scale(self.steps[order.axes[k]], sign(k))), origin }
    }

    /// The grid of the reordered array. The z spacing of a single slice is set to its y spacing.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub(super) fn grid(&self, order: Order) -> Result<Grid> {
        let affine = self.reordered(order);
        let mut spacing = affine.steps.map(norm);
        if affine.shape[0] == 1 {
            spacing[0] = spacing[1];
        }
        let axes = orthonormal(std::array::from_fn(|k| scale(affine.steps[k], 1.0 / norm(affine.steps[k]))));
        // + 0.0 turns a negative zero, which flips leave behind, into a plain one.
        let plain = |v: Point| v.map(|x| x + 0.0);
        Grid::new(affine.shape, spacing, plain(affine.origin), axes.map(plain))
    }
}

impl From<&Grid> for Affine {
    fn from(grid: &Grid) -> Self {
        Self { shape: grid.shape, steps: std::array::from_fn(|k| grid.step(k)), origin: grid.origin }
    }
}

/// The orthonormal triple closest to three nearly orthonormal vectors: Newton's iteration for the polar factor (Higham
/// 1986), Q ← (Q + Q⁻ᵀ) / 2 with Q⁻ᵀ = cofactors / determinant. From a deviation of 1e-3, three iterations reach the
/// precision of float64; a fourth is done to be safe.
pub(super) fn orthonormal(mut q: [Point; 3]) -> [Point; 3] {
    for _ in 0..4 {
        let cofactors = [cross(q[1], q[2]), cross(q[2], q[0]), cross(q[0], q[1])];
        let determinant = dot(q[0], cofactors[0]);
        q = std::array::from_fn(|k| scale(add(q[k], scale(cofactors[k], 1.0 / determinant)), 0.5));
    }
    q
}

/// Brings voxels, stored in C order of `shape`, into `order`.
pub(super) fn reorder(voxels: Vec<f32>, shape: [usize; 3], order: Order) -> Vec<f32> {
    if order == Order::IDENTITY || voxels.is_empty() {
        return voxels;
    }
    let strides = [shape[1] * shape[2], shape[2], 1];
    let [n0, n1, n2] = order.axes.map(|axis| shape[axis]);
    let [s0, s1, s2] = order.axes.map(|axis| strides[axis]);
    let at = |k: usize, i: usize, n: usize| if order.flips[k] { n - 1 - i } else { i };
    let mut out = vec![0.0; voxels.len()];
    out.par_chunks_mut(n1 * n2).enumerate().for_each(|(i, plane)| {
        for (j, row) in plane.chunks_mut(n2).enumerate() {
            let start = at(0, i, n0) * s0 + at(1, j, n1) * s1;
            for (k, value) in row.iter_mut().enumerate() {
                *value = voxels[start + at(2, k, n2) * s2];
            }
        }
    });
    out
}

/// Anatomical letters of the directions in which canonical array axes z, y, x grow, such as `SPL`.
pub(super) fn letters(grid: &Grid) -> String {
    const NAMES: [[char; 2]; 3] = [['L', 'R'], ['P', 'A'], ['S', 'I']];
    let letter = |axis: &Point| {
        let main = (0..3).max_by(|&a, &b| axis[a].abs().total_cmp(&axis[b].abs())).unwrap_or(0);
        NAMES[main][usize::from(axis[main] < 0.0)]
    };
    grid.axes.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sub;

    #[test]
    fn reordering_moves_each_voxel_with_its_place() {
        let (s, c) = 0.2f64.sin_cos();
        // Stored axes: +x, -z, -y, turned a little about x.
        let steps = [[0.5, 0.0, 0.0], [0.0, -2.0 * s, -2.0 * c], [0.0, -3.0 * c, 3.0 * s]];
        let affine = Affine { shape: [2, 3, 4], steps, origin: [1.0, 2.0, 3.0] };
        let voxels: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let order = affine.canonical_order();
        assert_eq!(order, Order { axes: [1, 2, 0], flips: [true, true, false] });
        let grid = affine.grid(order).unwrap();
        assert_eq!(grid.shape, [3, 4, 2]);
        let out = reorder(voxels, affine.shape, order);
        for (n, &value) in out.iter().enumerate() {
            let here = grid.point([(n / 8) as f64, (n / 2 % 4) as f64, (n % 2) as f64]);
            let stored = value as usize;
            let index = [stored / 12, stored / 4 % 3, stored % 4];
            let there = (0..3).fold(affine.origin, |p, k| add(p, scale(steps[k], index[k] as f64)));
            assert!(norm(sub(here, there)) < 1e-9, "voxel {n}");
        }
    }

    #[test]
    fn shear_and_degenerate_steps_are_told_apart() {
        let affine = |steps| Affine { shape: [1, 1, 1], steps, origin: [0.0; 3] };
        assert!(
            affine([[0.0, 0.3, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
                .check()
                .is_err_and(|f| matches!(f, Fault::Sheared(d) if d > 16.0))
        );
        assert_eq!(affine([[0.0; 3], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).check(), Err(Fault::Degenerate));
        assert_eq!(affine([[f64::MAX; 3], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).check(), Err(Fault::Degenerate));
        assert_eq!(affine([[0.0, 1e-4, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).check(), Ok(()));
    }

    #[test]
    fn the_nearest_orthonormal_axes_are_orthonormal_and_near() {
        let near = [[1e-3, 0.0, 1.0], [0.0, 1.0, -1e-3], [1.0, 2e-4, 0.0]];
        let q = orthonormal(near);
        for i in 0..3 {
            assert!(norm(sub(q[i], near[i])) < 2e-3);
            for j in 0..3 {
                assert!((dot(q[i], q[j]) - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }
}
