//! Rays followed one by one, for any view of any grid. Used for views that form neither sheets ([`super::sheets`]) nor
//! bundles ([`super::fan`]), such as oblique orbits and sources inside the grid.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]

use super::lines::{Planes, others, strides_of};
use super::rays::{Span, ViewRays};
use super::simd::{Kernel, Level, Simd, dispatch};
use rayon::prelude::*;
use std::ops::Range;

/// A ray, given by its crossings of the planes across its main axis.
#[derive(Debug, Clone)]
struct Path {
    main: usize,
    planes: Range<usize>,
    /// The planes in which all voxels around the crossing are in the grid.
    inside: Range<usize>,
    /// Coordinates a + b k of the crossing of plane k along the two other axes (ascending).
    across: [(f64, f64); 2],
    /// Length of the ray between two planes, mm.
    millimetres: f32,
}

#[inline(always)]
fn path(rays: &ViewRays, shape: [usize; 3], row: usize, column: usize) -> Path {
    let ray = rays.ray(row, column);
    let main = rays.main_axis(ray.direction);
    let along = ray.direction[main];
    let axes = others(main);
    let mut across = [(0.0, 0.0); 2];
    let all = Span { low: 0.0, high: shape[main] as f64 };
    let (mut span, mut inner) = (all, all);
    for (across, axis) in across.iter_mut().zip(axes) {
        let slope = ray.direction[axis] / along;
        let (a, b) = (ray.origin[axis] - ray.origin[main] * slope, slope);
        *across = (a, b);
        span = span.between(a, b, -1.0, shape[axis] as f64);
        // In 2-D the z axis has one voxel, which is always crossed at its centre.
        if !(rays.flat && axis == 0) {
            inner = inner.between(a, b, 0.0, shape[axis] as f64 - 1.0);
        }
    }
    let mut planes = span.indices(shape[main]);
    if !rays.is_parallel() {
        // Keep only planes beyond the source.
        while !planes.is_empty() && (planes.start as f64 - ray.origin[main]) * along <= 0.0 {
            planes.start += 1;
        }
        while !planes.is_empty() && ((planes.end - 1) as f64 - ray.origin[main]) * along <= 0.0 {
            planes.end -= 1;
        }
    }
    let bound = |k: f64| (k.clamp(0.0, shape[main] as f64) as usize).clamp(planes.start, planes.end.max(planes.start));
    let start = bound(inner.low.ceil() + 1.0);
    let inside = start..bound(inner.high.floor()).max(start);
    let step = [0, 1, 2].map(|k| ray.direction[k] / along);
    // A ray along the normal of a slice (2-D) crosses no plane and has no length between planes.
    let millimetres = if planes.is_empty() { 0.0 } else { rays.millimetres(step) as f32 };
    Path { main, planes, inside, across, millimetres }
}

/// The two voxels around a coordinate as (offset, weight). Voxels outside the grid have weight 0 and the offset of the
/// edge.
#[inline(always)]
fn sides(at: f64, count: usize, stride: usize) -> [(usize, f32); 2] {
    let below = at.floor();
    let (fraction, below, count) = ((at - below) as f32, below as i64, count as i64);
    [(below, 1.0 - fraction), (below + 1, fraction)].map(|(i, weight)| {
        (i.clamp(0, count - 1) as usize * stride, if (0..count).contains(&i) { weight } else { 0.0 })
    })
}

impl Path {
    /// The planes in which some voxels around the crossing are outside the grid.
    #[inline(always)]
    fn rim(&self) -> std::iter::Chain<Range<usize>, Range<usize>> {
        (self.planes.start..self.inside.start).chain(self.inside.end..self.planes.end)
    }

    /// The four voxels around the crossing of plane k as (index, weight); the index uses the `strides` of the two other
    /// axes.
    #[inline(always)]
    fn corners(&self, k: usize, counts: [usize; 2], strides: [usize; 2]) -> [(usize, f32); 4] {
        let [(a, b), (c, d)] = self.across;
        let [first, second] = sides(a + b * k as f64, counts[0], strides[0]);
        let [third, fourth] = sides(c + d * k as f64, counts[1], strides[1]);
        [(first, third), (first, fourth), (second, third), (second, fourth)].map(|(p, q)| (p.0 + q.0, p.1 * q.1))
    }

    /// Like [`Path::corners`] if all four voxels are in the grid, without bounds checks: the lowest index and the two
    /// fractions.
    #[inline(always)]
    fn corner(&self, k: usize, strides: [usize; 2]) -> (usize, f32, f32) {
        let [(a, b), (c, d)] = self.across;
        let (p, q) = (a + b * k as f64, c + d * k as f64);
        let (i, j) = (p as i32, q as i32);
        let index = i as usize * strides[0] + j as usize * strides[1];
        (index, (p - f64::from(i)) as f32, (q - f64::from(j)) as f32)
    }
}

/// Line integrals of the rays of a view, `[row, column]`.
pub(super) fn forward(
    level: Level,
    rays: &ViewRays,
    shape: [usize; 3],
    columns: usize,
    volume: &[f32],
    out: &mut [f32],
) {
    // A task is less than a row, because a 2-D scan has only one row.
    let task = columns.div_ceil(8).max(16);
    out.par_chunks_mut(task).enumerate().for_each(|(i, out)| {
        dispatch(level, Follow { rays, shape, columns, volume, first: i * task, out });
    });
}

/// A task of [`forward`].
struct Follow<'a> {
    rays: &'a ViewRays,
    shape: [usize; 3],
    columns: usize,
    volume: &'a [f32],
    /// Index of the pixel of the first value.
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Follow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { rays, shape, columns, volume, first, out } = self;
        let strides = strides_of(shape);
        for (out, pixel) in out.iter_mut().zip(first..) {
            let path = path(rays, shape, pixel / columns, pixel % columns);
            let [p, q] = others(path.main);
            let (counts, steps) = ([shape[p], shape[q]], [strides[p], strides[q]]);
            let stride = strides[path.main];
            let mut sum = 0.0;
            for k in path.rim() {
                for (index, weight) in path.corners(k, counts, steps) {
                    sum += weight * volume[k * stride + index];
                }
            }
            if rays.flat {
                for k in path.inside.clone() {
                    let (index, _, fraction) = path.corner(k, steps);
                    let (low, high) = (volume[k * stride + index], volume[k * stride + index + steps[1]]);
                    sum += low + fraction * (high - low);
                }
            } else {
                for k in path.inside.clone() {
                    let (index, f, g) = path.corner(k, steps);
                    let plane = &volume[k * stride + index..][..=steps[0] + steps[1]];
                    let low = plane[0] + g * (plane[steps[1]] - plane[0]);
                    let high = plane[steps[0]] + g * (plane[steps[0] + steps[1]] - plane[steps[0]]);
                    sum += low + f * (high - low);
                }
            }
            *out = sum * path.millimetres;
        }
    }
}

/// Number of planes per task of [`adjoint`].
const BLOCK: usize = 8;

/// Adds the transpose of [`forward`] for several views, each with its values `[row, column]`, to a volume `[z, y, x]`.
pub(super) fn adjoint(
    level: Level,
    views: &[(ViewRays, &[f32])],
    shape: [usize; 3],
    columns: usize,
    volume: &mut [f32],
) {
    for main in 0..3 {
        // Each task owns its planes, so that every voxel sums its rays in the same order for any number of threads.
        let [outer, inner] = others(main);
        let mut sums = Planes::new(main, inner, shape);
        let (steps, counts, plane) = ([sums.length, 1], [shape[outer], shape[inner]], sums.plane);
        let mut used = false;
        for (rays, values) in views {
            let paths: Vec<(Path, f32)> = (0..values.len())
                .into_par_iter()
                .map(|i| (path(rays, shape, i / columns, i % columns), values[i]))
                .filter(|(path, _)| path.main == main && !path.planes.is_empty())
                .collect();
            used |= !paths.is_empty();
            sums.values.par_chunks_mut(BLOCK * plane).enumerate().for_each(|(block, sums)| {
                let own = block * BLOCK..block * BLOCK + sums.len() / plane;
                dispatch(level, Spread { paths: &paths, own, counts, steps, plane, flat: rays.flat, sums });
            });
        }
        if used {
            sums.add_to(volume);
        }
    }
}

/// A task of [`adjoint`].
struct Spread<'a> {
    paths: &'a [(Path, f32)],
    /// Planes of this task, and the layout of its values.
    own: Range<usize>,
    counts: [usize; 2],
    steps: [usize; 2],
    plane: usize,
    flat: bool,
    sums: &'a mut [f32],
}

impl Kernel for Spread<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { paths, own, counts, steps, plane, flat, sums } = self;
        for (path, value) in paths {
            let value = value * path.millimetres;
            for k in path.rim().filter(|k| own.contains(k)) {
                for (index, weight) in path.corners(k, counts, steps) {
                    sums[(k - own.start) * plane + index] += weight * value;
                }
            }
            for k in path.inside.start.max(own.start)..path.inside.end.min(own.end) {
                let (index, f, g) = path.corner(k, steps);
                let at = (k - own.start) * plane + index;
                let (near, far) = ((1.0 - f) * value, f * value);
                sums[at] += (1.0 - g) * near;
                sums[at + steps[1]] += g * near;
                if !flat {
                    sums[at + steps[0]] += (1.0 - g) * far;
                    sums[at + steps[0] + steps[1]] += g * far;
                }
            }
        }
    }
}
