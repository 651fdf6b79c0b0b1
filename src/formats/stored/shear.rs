//! Resampling of a sheared grid (a tilted gantry, a transform with shear) to right angles.
//!
//! The two axes that are nearest to a right angle keep their directions and spacings; the third becomes their normal,
//! with the distance of the planes along it. For a stack of slices that are shifted against each other, the new slices
//! are the old ones, each shifted within its own plane: nothing is interpolated between slices.

use crate::data::{Grid, Point, add, cross, dot, norm, scale, sub};
use crate::error::{Error, Result};
use crate::formats::orient::Affine;
use rayon::prelude::*;

/// Indices closer than this to a whole number are set to it, so that rounding errors do not blur a slice.
const WHOLE: f64 = 1e-5;
/// Largest ratio of the voxels of the right-angled grid to those of the sheared one; a gantry tilt of 30 degrees needs
/// less than 2 for most scans. A grid of at most `SMALL` voxels is always accepted.
const MOST_MORE: usize = 16;
const SMALL: usize = 1 << 20;

/// The right-angled grid that holds every voxel of a sheared one in canonical order.
///
/// # Errors
/// Axes that lie in one plane, or so askew that most of the grid would be empty; as [`Grid::new`].
pub(in crate::formats) fn upright(affine: &Affine) -> Result<Grid> {
    let unit: [Point; 3] = affine.steps.map(|step| scale(step, 1.0 / norm(step)));
    let cosine = |[i, j]: [usize; 2]| dot(unit[i], unit[j]).abs();
    let pairs = [[1, 2], [0, 2], [0, 1]];
    let across = (0..3).fold(0, |best, k| if cosine(pairs[k]) < cosine(pairs[best]) - 1e-9 { k } else { best });
    let [i, j] = pairs[across];
    let second = sub(unit[j], scale(unit[i], dot(unit[i], unit[j])));
    let second = scale(second, 1.0 / norm(second));
    let normal = cross(unit[i], second);
    let normal = if dot(normal, affine.steps[across]) < 0.0 { scale(normal, -1.0) } else { normal };
    let (mut axes, mut spacing) = ([[0.0; 3]; 3], affine.steps.map(norm));
    (axes[i], axes[j], axes[across]) = (unit[i], second, normal);
    spacing[across] = dot(normal, affine.steps[across]);
    if spacing[across].is_nan() || spacing[across] < 1e-3 * norm(affine.steps[across]) {
        return Err(Error::config("", "its axes lie in one plane"));
    }
    let last = |k: usize| scale(affine.steps[k], affine.shape[k].saturating_sub(1) as f64);
    let corners = (0..8)
        .map(|bits: usize| (0..3).filter(|k| bits >> k & 1 == 1).fold([0.0; 3], |corner, k| add(corner, last(k))));
    let corners: Vec<Point> = corners.collect();
    let ends = |k: usize| {
        let along = corners.iter().map(|corner| dot(*corner, axes[k]) / spacing[k]);
        along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)))
    };
    let mut origin = affine.origin;
    let mut shape = [0; 3];
    for k in 0..3 {
        let (low, high) = ends(k);
        let low = (low + WHOLE).floor();
        shape[k] = ((high - low - WHOLE).ceil().max(0.0) as usize).saturating_add(1);
        origin = add(origin, scale(axes[k], low * spacing[k]));
    }
    let grid = Grid::new(shape, spacing, origin, axes)?;
    let most = affine.shape.iter().product::<usize>().saturating_mul(MOST_MORE).max(SMALL);
    if grid.voxels() > most {
        let problem = format!("its axes are so far from right angles that {shape:?} voxels would be needed");
        return Err(Error::config("", problem));
    }
    Ok(grid)
}

/// Resamples values on a sheared grid `[i, j, k]` at the voxels of `grid`, by cubic convolution (Keys 1981, a = −1/2).
/// That overshoots at edges, so results are clamped to the range of the values, `low` to `high`; `air` outside the
/// sheared grid.
pub(in crate::formats) fn resampled(
    values: &[f32],
    from: &Affine,
    grid: &Grid,
    air: f32,
    (low, high): (f32, f32),
) -> Vec<f32> {
    let inverse = inverse(from.steps);
    let index = |point: Point| inverse.map(|row| dot(row, sub(point, from.origin)));
    let direction = |k: usize| inverse.map(|row| dot(row, grid.step(k)));
    let (along_y, along_x) = (direction(1), direction(2));
    let [_, ny, nx] = grid.shape;
    let mut out = vec![air; grid.voxels()];
    out.par_chunks_mut(ny * nx).enumerate().for_each(|(z, plane)| {
        let first = index(grid.point([z as f64, 0.0, 0.0]));
        for (y, row) in plane.chunks_mut(nx).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                let at = std::array::from_fn(|k| first[k] + y as f64 * along_y[k] + x as f64 * along_x[k]);
                if let Some(found) = interpolated(values, from.shape, at) {
                    *value = found.clamp(low, high);
                }
            }
        }
    });
    out
}

/// The value at a fractional index; `None` more than half a voxel outside the grid.
fn interpolated(values: &[f32], shape: [usize; 3], at: [f64; 3]) -> Option<f32> {
    let inside = |k: usize| at[k] >= -0.5 && at[k] <= shape[k] as f64 - 0.5;
    if !(0..3).all(inside) {
        return None;
    }
    let taps = [0, 1, 2].map(|k| taps(at[k], shape[k]));
    let mut sum = 0.0;
    for (i, wi) in taps[0].iter().filter(|(_, weight)| *weight != 0.0) {
        for (j, wj) in taps[1].iter().filter(|(_, weight)| *weight != 0.0) {
            let row = (i * shape[1] + j) * shape[2];
            for (k, wk) in taps[2].iter().filter(|(_, weight)| *weight != 0.0) {
                sum += wi * wj * wk * f64::from(values[row + k]);
            }
        }
    }
    Some(sum as f32)
}

/// The four samples around a fractional index with their weights; beyond an end, the last sample is repeated.
fn taps(at: f64, n: usize) -> [(usize, f64); 4] {
    let whole = at.round();
    let at = if (at - whole).abs() < WHOLE { whole } else { at };
    let (base, t) = (at.floor(), at - at.floor());
    let clamp = |offset: f64| (base + offset).clamp(0.0, n as f64 - 1.0) as usize;
    let (t2, t3) = (t * t, t * t * t);
    [
        (clamp(-1.0), -0.5 * t + t2 - 0.5 * t3),
        (clamp(0.0), 1.0 - 2.5 * t2 + 1.5 * t3),
        (clamp(1.0), 0.5 * t + 2.0 * t2 - 1.5 * t3),
        (clamp(2.0), -0.5 * t2 + 0.5 * t3),
    ]
}

/// Rows of the inverse of the matrix whose columns are `steps`.
fn inverse(steps: [Point; 3]) -> [Point; 3] {
    let [a, b, c] = steps;
    let determinant = dot(a, cross(b, c));
    [cross(b, c), cross(c, a), cross(a, b)].map(|row| scale(row, 1.0 / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slices 3 mm apart, each 1 mm further along y than the one below.
    fn tilted() -> Affine {
        let steps = [[0.0, 1.0, 3.0], [0.0, 2.0, 0.0], [1.5, 0.0, 0.0]];
        Affine { shape: [4, 6, 5], steps, origin: [10.0, 20.0, 30.0] }
    }

    #[test]
    fn shifted_slices_become_upright_with_their_own_distances() {
        let grid = upright(&tilted()).unwrap();
        assert_eq!((grid.shape, grid.spacing, grid.origin), ([4, 8, 5], [3.0, 2.0, 1.5], [10.0, 20.0, 30.0]));
        assert_eq!(grid.axes, Grid::CANONICAL);
    }

    #[test]
    fn a_lattice_of_mostly_nothing_is_refused() {
        let mut askew = Affine { shape: [40, 60, 50], ..tilted() };
        askew.steps[0] = [0.0, 2e3, 3.0];
        assert!(upright(&askew).unwrap_err().to_string().contains("so far from right angles"));
        askew.steps[0] = [0.0, 3.0, 3.0];
        assert!(upright(&askew).is_ok(), "45 degrees");
        askew.steps[0] = [0.0, 2e6, 3.0];
        assert!(upright(&askew).unwrap_err().to_string().contains("lie in one plane"));
    }

    #[test]
    fn a_smooth_object_stays_where_it_is_and_whole_shifts_are_exact() {
        let from = tilted();
        let at = |[x, y, z]: Point| (x + 2.0 * y - 3.0 * z) as f32;
        let point = |i: [usize; 3]| (0..3).fold(from.origin, |point, k| add(point, scale(from.steps[k], i[k] as f64)));
        let mut values = Vec::new();
        for i in 0..4 {
            for j in 0..6 {
                for k in 0..5 {
                    values.push(at(point([i, j, k])));
                }
            }
        }
        let grid = upright(&from).unwrap();
        let found = resampled(&values, &from, &grid, -1e4, (f32::MIN, f32::MAX));
        let mut compared = 0;
        for z in 0..4usize {
            for y in 0..8usize {
                let j = (2.0 * y as f64 - z as f64) / 2.0;
                for x in 0..5usize {
                    let value = found[(z * 8 + y) * 5 + x];
                    if !(-0.5..=5.5).contains(&j) {
                        assert_eq!(value, -1e4);
                    } else if (1.0..=4.0).contains(&j) || j.fract() == 0.0 {
                        let expected = at(grid.point([z as f64, y as f64, x as f64]));
                        assert!((value - expected).abs() < 1e-4, "{z} {y} {x}: {value} {expected}");
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 90);
    }
}
