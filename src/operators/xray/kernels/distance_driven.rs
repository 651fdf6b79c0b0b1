//! Integrals over the width of a detector pixel and of a voxel, and their exact transpose.
//!
//! In every plane of voxel centres across the pixel's main axis, the corners of the pixel are mapped along their rays
//! onto the plane. The weight of a voxel is the fraction of the mapped pixel that it covers, times the length (mm) of
//! the pixel's central ray between planes. B. De Man & S. Basu, Phys. Med. Biol. 49(11), 2004, approximate the mapped
//! pixels by rectangles along the grid's axes; here they are general quadrilaterals, so that any pose and any grid is
//! treated exactly alike. No voxel is missed however large the pixels are. In a parallel beam, the sum of a projection
//! times the pixel's area across the beam equals the sum of the voxels times their volume. In two dimensions areas
//! become intervals.
//!
//! Suited to pixels wider than the projection of a voxel, for which the transposes of ray-driven projectors cause
//! ringing. For pixels much narrower than voxels, projections show steps, as if the voxels were flat tiles.

use super::lines::{others, strides_of};
use super::overlap::{Overlap, area};
use super::rays::{Ray, Span, ViewRays};
use super::weights::{self, Block, Weights};
use crate::data::{Detector, Grid, View};
use std::ops::Range;

/// Integrals (1/mm x mm) `[view, row, column]` of a volume `[z, y, x]` (1/mm); overwrites `projections`.
///
/// # Panics
/// If the length of a slice does not match the grid, the views or the detector.
pub fn forward(grid: &Grid, views: &[View], detector: &Detector, volume: &[f32], projections: &mut [f32]) {
    weights::forward::<DistanceDriven>(grid, views, detector, volume, projections);
}

/// The transpose of [`forward`]: backprojects projections `[view, row, column]` to a volume `[z, y, x]`; overwrites
/// `volume`.
///
/// # Panics
/// As [`forward`].
pub fn adjoint(grid: &Grid, views: &[View], detector: &Detector, projections: &[f32], volume: &mut [f32]) {
    weights::adjoint::<DistanceDriven>(grid, views, detector, projections, volume);
}

struct DistanceDriven;

/// Coordinate a + b k at which a line crosses plane k across the main axis; voxel i extends from i to i + 1.
type Crossing = (f64, f64);

/// A pixel, given by the positions of its corners in the planes across its main axis.
#[derive(Debug, Clone)]
struct Footprint {
    main: usize,
    /// For each corner, in order around the pixel, its crossings along the two other axes (ascending).
    corners: [[Crossing; 2]; 4],
    form: Form,
    /// Planes that the pixel's rays cross beyond the source.
    planes: Range<usize>,
    /// Length of the central ray between two planes, mm.
    millimetres: f64,
}

/// Shape of a mapped pixel in a plane of voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An interval along the second axis: two dimensions. The first two corners are its ends.
    Interval,
    /// A trapezoid with two sides along an axis (0 or 1), along which v, the direction between detector rows, points,
    /// as in most scans.
    Upright(usize),
    /// Any quadrilateral.
    Any,
}

impl Form {
    fn of(rays: &ViewRays, main: usize, pixel: &[Ray; 4]) -> Self {
        if rays.flat {
            return Self::Interval;
        }
        let axes = others(main);
        let along = |i: usize| rays.v[axes[i]].abs();
        let upright = usize::from(along(1) > along(0));
        // Whether the side between two corners is inclined to the axis, beyond rounding.
        let leans =
            |a: &Ray, b: &Ray| (crossings(a, main)[1 - upright].1 - crossings(b, main)[1 - upright].1).abs() > 1e-9;
        let level = |axis: usize| rays.v[axis].abs() <= 1e-7 * along(upright);
        if level(main) && level(axes[1 - upright]) && !leans(&pixel[0], &pixel[3]) && !leans(&pixel[1], &pixel[2]) {
            Self::Upright(upright)
        } else {
            Self::Any
        }
    }
}

/// The crossings of a ray with the planes across `main`.
fn crossings(ray: &Ray, main: usize) -> [Crossing; 2] {
    others(main).map(|axis| {
        let slope = ray.direction[axis] / ray.direction[main];
        (ray.origin[axis] - ray.origin[main] * slope + 0.5, slope)
    })
}

/// The planes among the first `count` that lie beyond the source for all rays of a pixel.
fn planes_before(rays: &[Ray], main: usize, count: usize) -> Range<usize> {
    let passes = |k: usize| rays.iter().all(|ray| (k as f64 - ray.origin[main]) * ray.direction[main] > 0.0);
    let mut planes = 0..count;
    while !planes.is_empty() && !passes(planes.start) {
        planes.start += 1;
    }
    while !planes.is_empty() && !passes(planes.end - 1) {
        planes.end -= 1;
    }
    planes
}

impl Footprint {
    fn of_pixel(rays: &ViewRays, shape: [usize; 3], row: usize, column: usize) -> Option<Self> {
        let central = rays.ray(row, column);
        let main = rays.main_axis(central.direction);
        let along = central.direction[main];
        let (row, column) = (row as f64, column as f64);
        let around = [(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)];
        let ends = around.map(|(v, u)| rays.ray_at(if rays.flat { row } else { row + v }, column + u));
        // If corners lie on both sides of the source, the mapped pixel is undefined.
        if along == 0.0 || ends.iter().any(|ray| ray.direction[main] * along <= 0.0) {
            return None;
        }
        let planes = if rays.is_parallel() { 0..shape[main] } else { planes_before(&ends, main, shape[main]) };
        let millimetres = rays.millimetres(central.direction.map(|d| d / along));
        let mut found = Self {
            main,
            corners: ends.map(|ray| crossings(&ray, main)),
            form: Form::of(rays, main, &ends),
            planes,
            millimetres,
        };
        found.planes = found.planes_of(&Block { ranges: shape.map(|n| 0..n) });
        (!found.planes.is_empty()).then_some(found)
    }

    /// The planes in which the pixel may overlap a part of the grid. The upper bound of the area is convex along the
    /// ray and so lies below the line between its ends; the lower bound lies above its line.
    fn planes_of(&self, part: &Block) -> Range<usize> {
        let own = &part.ranges[self.main];
        let planes = self.planes.start.max(own.start)..self.planes.end.min(own.end);
        if planes.is_empty() {
            return 0..0;
        }
        let (first, last) = (planes.start as f64, (planes.end - 1) as f64);
        let mut span = Span { low: first, high: last };
        for (i, axis) in others(self.main).into_iter().enumerate().skip(usize::from(self.form == Form::Interval)) {
            let range = &part.ranges[axis];
            let at = |k: f64, larger: fn(f64, f64) -> f64| {
                self.corners.iter().map(|c| c[i].0 + c[i].1 * k).reduce(larger).unwrap_or(0.0)
            };
            let line = |larger: fn(f64, f64) -> f64| {
                let (a, b) = (at(first, larger), at(last, larger));
                let slope = if last > first { (b - a) / (last - first) } else { 0.0 };
                (a - slope * first, slope)
            };
            let ((high, rise), (low, slope)) = (line(f64::max), line(f64::min));
            span = span.above(high, rise, range.start as f64).above(-low, -slope, -(range.end as f64));
        }
        let found = span.indices(planes.end);
        found.start.max(planes.start)..found.end
    }

    /// The corners in plane k along the two other axes.
    fn quadrilateral(&self, k: usize) -> [[f64; 2]; 4] {
        self.corners.map(|corner| corner.map(|(a, b)| a + b * k as f64))
    }
}

impl Weights for DistanceDriven {
    type Path = Footprint;
    type Scratch = Overlap;

    fn paths(rays: &ViewRays, shape: [usize; 3], row: usize, column: usize) -> impl Iterator<Item = Footprint> {
        Footprint::of_pixel(rays, shape, row, column).into_iter()
    }

    fn visit(
        path: &Footprint,
        part: &Block,
        shape: [usize; 3],
        overlap: &mut Overlap,
        mut each: impl FnMut(usize, f64),
    ) {
        let (strides, axes) = (strides_of(shape), others(path.main));
        let (counts, steps) = (axes.map(|axis| shape[axis]), axes.map(|axis| strides[axis]));
        let ranges = axes.map(|axis| &part.ranges[axis]);
        for k in path.planes_of(part) {
            let plane = k * strides[path.main];
            let corners = path.quadrilateral(k);
            let mut give =
                |i: usize, j: usize, share: f64| each(plane + i * steps[0] + j * steps[1], share * path.millimetres);
            match path.form {
                Form::Interval => {
                    interval([corners[0][1], corners[1][1]], ranges[1], |j, _, _, share| give(0, j, share));
                }
                Form::Upright(along) => trapezoid(&corners, along, ranges, give),
                Form::Any => match only_square(&corners, counts) {
                    Some([i, j]) if ranges[0].contains(&i) && ranges[1].contains(&j) => give(i, j, 1.0),
                    Some(_) => {}
                    None => {
                        let whole = 1.0 / area(&corners);
                        if whole.is_finite() {
                            overlap.of(corners, counts, ranges, |i, j, area| give(i, j, area * whole));
                        }
                    }
                },
            }
        }
    }
}

/// Calls `each` with (cell, from, to, fraction of the interval) for the cells [i, i + 1) of a range that an interval
/// overlaps; the fraction is 1 if the interval has no length.
#[inline]
fn interval([a, b]: [f64; 2], cells: &Range<usize>, mut each: impl FnMut(usize, f64, f64, f64)) {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let (start, end) = (cells.start as f64, cells.end as f64);
    if high <= start || low >= end {
        return;
    }
    let per_length = 1.0 / (high - low);
    for i in low.max(start) as usize..cells.end {
        if i as f64 >= high {
            return;
        }
        let (from, to) = (low.max(i as f64), high.min((i + 1) as f64));
        each(i, from, to, if high > low { (to - from) * per_length } else { 1.0 });
    }
}

/// Calls `each` with the fraction of a trapezoid in each cell; two of its sides run along the axis `along`. Within each
/// column of cells the other two sides are taken as level at their mean height, which is exact unless a side crosses
/// from one cell to the next there.
#[inline]
fn trapezoid(
    corners: &[[f64; 2]; 4],
    along: usize,
    ranges: [&Range<usize>; 2],
    mut each: impl FnMut(usize, usize, f64),
) {
    let [a, b, c, d] = corners;
    let across = 1 - along;
    let (from, width) = (a[across], b[across] - a[across]);
    let (height, growth) = (d[along] - a[along], (c[along] - b[along]) - (d[along] - a[along]));
    let mean = height + growth / 2.0;
    interval([from, b[across]], ranges[across], |column, left, right, share| {
        let at = if width == 0.0 { 0.5 } else { (f64::midpoint(left, right) - from) / width };
        let low = a[along] + at * (b[along] - a[along]);
        let part = share * (height + at * growth) / mean;
        interval([low, low + height + at * growth], ranges[along], |row, _, _, share| {
            let (i, j) = if along == 0 { (row, column) } else { (column, row) };
            each(i, j, share * part);
        });
    });
}

/// The cell that contains all corners, if there is one.
fn only_square(corners: &[[f64; 2]; 4], counts: [usize; 2]) -> Option<[usize; 2]> {
    let mut found = [0; 2];
    for axis in 0..2 {
        let first = corners[0][axis];
        if first < 0.0 {
            return None;
        }
        let square = first as usize;
        let inside = |c: &[f64; 2]| c[axis] >= square as f64 && c[axis] <= (square + 1) as f64;
        if square >= counts[axis] || !corners.iter().all(inside) {
            return None;
        }
        found[axis] = square;
    }
    Some(found)
}
