//! Rays followed one by one: any view of any grid. For views that have no sheets (see [`super::sheets`]), such as oblique
//! orbits, fan beams of a slice and sources inside the grid.

use super::lines::{Planes, others, strides_of};
use super::rays::{Span, ViewRays};
use rayon::prelude::*;
use std::ops::Range;

/// A ray as the points where it crosses the planes across its main axis.
#[derive(Debug, Clone)]
struct Path {
    main: usize,
    planes: Range<usize>,
    /// Coordinate a + b k in plane k along the two other axes (ascending).
    across: [(f64, f64); 2],
    /// Length between planes, mm.
    millimetres: f32,
}

fn path(rays: &ViewRays, shape: [usize; 3], row: usize, column: usize) -> Path {
    let ray = rays.ray(row, column);
    let main = rays.main_axis(ray.direction);
    let along = ray.direction[main];
    let across = others(main).map(|axis| {
        let slope = ray.direction[axis] / along;
        (ray.origin[axis] - ray.origin[main] * slope, slope)
    });
    let mut span = Span { low: 0.0, high: shape[main] as f64 };
    for ((a, b), axis) in across.into_iter().zip(others(main)) {
        span = span.between(a, b, -1.0, shape[axis] as f64);
    }
    let mut planes = span.indices(shape[main]);
    if !rays.is_parallel() {
        // Only what is before the source.
        while !planes.is_empty() && (planes.start as f64 - ray.origin[main]) * along <= 0.0 {
            planes.start += 1;
        }
        while !planes.is_empty() && ((planes.end - 1) as f64 - ray.origin[main]) * along <= 0.0 {
            planes.end -= 1;
        }
    }
    let step = std::array::from_fn(|k| ray.direction[k] / along);
    Path { main, planes, across, millimetres: rays.millimetres(step) as f32 }
}

impl Path {
    /// The up to four voxels around the crossing of plane k, as (index, weight), index by `strides` of the two other axes.
    #[inline]
    fn corners(&self, k: usize, counts: [usize; 2], strides: [usize; 2]) -> [(usize, f32); 4] {
        let [(first, second), (third, fourth)] = [0, 1].map(|axis| {
            let (a, b) = self.across[axis];
            let at = a + b * k as f64;
            let below = at.floor();
            let (fraction, below, count) = ((at - below) as f32, below as i64, counts[axis] as i64);
            let side = |i: i64, weight: f32| {
                let inside = (0..count).contains(&i);
                (i.clamp(0, count - 1) as usize * strides[axis], if inside { weight } else { 0.0 })
            };
            (side(below, 1.0 - fraction), side(below + 1, fraction))
        });
        [(first, third), (first, fourth), (second, third), (second, fourth)].map(|(p, q)| (p.0 + q.0, p.1 * q.1))
    }
}

/// Line integrals of the rays of a view, `[row, column]`.
pub(super) fn forward(rays: &ViewRays, shape: [usize; 3], columns: usize, volume: &[f32], out: &mut [f32]) {
    let strides = strides_of(shape);
    out.par_chunks_mut(columns).enumerate().for_each(|(row, out)| {
        for (column, out) in out.iter_mut().enumerate() {
            let path = path(rays, shape, row, column);
            let across = others(path.main);
            let (counts, steps) = (across.map(|axis| shape[axis]), across.map(|axis| strides[axis]));
            let mut sum = 0.0;
            for k in path.planes.clone() {
                let plane = &volume[k * strides[path.main]..];
                sum += path.corners(k, counts, steps).iter().map(|&(index, weight)| weight * plane[index]).sum::<f32>();
            }
            *out = sum * path.millimetres;
        }
    });
}

/// Planes of a task of [`adjoint`].
const BLOCK: usize = 8;

/// Adds the transpose of [`forward`] for several views, each with its values `[row, column]`.
pub(super) fn adjoint(views: &[(ViewRays, &[f32])], shape: [usize; 3], columns: usize, volume: &mut [f32]) {
    for main in 0..3 {
        // Tasks own planes, so every voxel hears its rays in the same order whatever the number of threads.
        let [outer, inner] = others(main);
        let mut sums = Planes::new(main, inner, shape);
        let (strides, counts, plane) = ([sums.length, 1], [shape[outer], shape[inner]], sums.plane);
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
                for (path, value) in &paths {
                    let value = value * path.millimetres;
                    for k in path.planes.start.max(own.start)..path.planes.end.min(own.end) {
                        let sums = &mut sums[(k - own.start) * plane..];
                        for (index, weight) in path.corners(k, counts, strides) {
                            sums[index] += weight * value;
                        }
                    }
                }
            });
        }
        if used {
            sums.add_to(volume);
        }
    }
}
