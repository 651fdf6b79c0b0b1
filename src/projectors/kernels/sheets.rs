//! Sheets: rays of a view that share their path but for one array axis, such as the rays of one detector column when
//! detector rows run along z.
//!
//! In every plane of voxels across the main axis the rays of a sheet pass between the same two lines of voxels, at equal
//! steps along them. So the two lines are blended once for sixteen rays, and the rays' samples come from a window of
//! the blend held in registers ([`Simd::window`]); the transposed operation collects, for sixteen voxels of a line, the
//! rays that pass between them and their neighbours. Weights are those of Joseph, IEEE Trans. Med. Imaging 1 (1982) 192.
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use super::lines::{BEFORE, Lines};
use super::rays::{Span, ViewRays};
use super::simd::{Kernel, LANES, Simd, sixteen, sixteen_mut};
use std::ops::Range;

/// Zeros on both sides of the values of a sheet's rays in [`Push`].
pub(super) const PAD: usize = 40;

/// Most planes of a block.
const BLOCK: usize = 16;

/// Rays j = 0, 1, .. of one view that share their path but for the array axis `line`.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    /// Axis of the sum.
    pub(super) main: usize,
    /// Axis along which the rays differ.
    pub(super) line: usize,
    flat: bool,
    origin: [f64; 3],
    direction: [f64; 3],
    /// Ray j is at `origin[line] + t direction[line] + j (spread[0] + t spread[1])`.
    spread: [f64; 2],
    /// Planes it passes inside the grid.
    planes: Range<usize>,
    /// Square of the length of ray j between planes, mm²: c₀ + c₁ j + c₂ j².
    length: [f64; 3],
    /// Where ray j is in its view's pixels: `first + j stride`.
    pub(super) first: usize,
    pub(super) stride: usize,
    /// Number of rays.
    pub(super) rays: usize,
}

/// A plane that a sheet passes: the lines next to it, their weights, and where along them the rays are.
#[derive(Debug, Clone, Copy, Default)]
struct Crossing {
    line: [usize; 2],
    weight: [f32; 2],
    /// Voxel coordinate of ray 0, and the step to the next ray.
    first: f64,
    step: f64,
}

impl Sheet {
    /// The sheets of a view; `None` if it has none and its rays must be followed one by one.
    pub(super) fn of_view(rays: &ViewRays, shape: [usize; 3], rows: usize, columns: usize) -> Option<Vec<Self>> {
        if rays.flat {
            return Self::of_flat_view(rays, shape, columns).map(|sheet| vec![sheet]);
        }
        let line = (0..3).max_by(|&a, &b| rays.v[a].abs().total_cmp(&rays.v[b].abs()))?;
        let drift = (0..3).filter(|&k| k != line).map(|k| rays.v[k].abs()).fold(0.0, f64::max);
        // Rows must run along an axis: less than a hundred-thousandth of a voxel aside over the whole detector.
        if drift * rows as f64 > 1e-5 {
            return None;
        }
        (0..columns).map(|column| Self::of_column(rays, shape, line, rows, (column, columns))).collect()
    }

    fn of_column(rays: &ViewRays, shape: [usize; 3], line: usize, rows: usize, (column, columns): (usize, usize)) -> Option<Self> {
        let (ray, last) = (rays.ray(0, column), rays.ray(rows - 1, column));
        let main = rays.main_axis(ray.direction);
        let same = main == rays.main_axis(last.direction) && main != line;
        if !same || !rays.starts_outside(main, shape[main]) {
            return None;
        }
        let step = rays.v[line];
        let spread = if rays.is_parallel() { [step, 0.0] } else { [0.0, step] };
        let mut along = [0.0; 3];
        along[line] = spread[1];
        let (origin, direction) = (ray.origin, ray.direction);
        let mut sheet = Self {
            main,
            line,
            flat: false,
            origin,
            direction,
            spread,
            planes: 0..0,
            length: quadratic(rays, direction, along, main),
            first: column,
            stride: columns,
            rays: rows,
        };
        sheet.planes = sheet.planes_inside(shape, rays.is_parallel());
        Some(sheet)
    }

    /// The one sheet of a parallel view of a slice: its lines are rows or columns of the slice.
    fn of_flat_view(rays: &ViewRays, shape: [usize; 3], columns: usize) -> Option<Self> {
        if !rays.is_parallel() {
            return None;
        }
        let ray = rays.ray(0, 0);
        let main = rays.main_axis(ray.direction);
        let line = 3 - main;
        // One column further, followed back along the ray to the same plane.
        let step = rays.u[line] - rays.u[main] * ray.direction[line] / ray.direction[main];
        let mut sheet = Self {
            main,
            line,
            flat: true,
            origin: ray.origin,
            direction: ray.direction,
            spread: [step, 0.0],
            planes: 0..0,
            length: quadratic(rays, ray.direction, [0.0; 3], main),
            first: 0,
            stride: 1,
            rays: columns,
        };
        sheet.planes = sheet.planes_inside(shape, true);
        Some(sheet)
    }

    fn other(&self) -> usize {
        3 - self.main - self.line
    }

    /// a and b of the coordinate a + b k along `axis` in plane k, of ray j.
    fn path(&self, axis: usize, j: f64) -> (f64, f64) {
        let (mut origin, mut direction) = (self.origin[axis], self.direction[axis]);
        if axis == self.line {
            origin += j * self.spread[0];
            direction += j * self.spread[1];
        }
        let slope = direction / self.direction[self.main];
        (origin - self.origin[self.main] * slope, slope)
    }

    fn planes_inside(&self, shape: [usize; 3], parallel: bool) -> Range<usize> {
        let (main, other) = (self.main, self.other());
        // The source is outside the grid along the main axis: all planes are before it or all behind it.
        if !parallel && (shape[main] as f64 / 2.0 - self.origin[main]) * self.direction[main] < 0.0 {
            return 0..0;
        }
        let mut span = Span { low: 0.0, high: shape[main] as f64 };
        if !self.flat {
            let (a, b) = self.path(other, 0.0);
            span = span.between(a, b, -1.0, shape[other] as f64);
        }
        span.indices(shape[main])
    }

    fn crossing(&self, k: usize, shape: [usize; 3], strides: [usize; 3]) -> Crossing {
        let (main, line, other) = (self.main, self.line, self.other());
        let t = (k as f64 - self.origin[main]) / self.direction[main];
        let first = self.origin[line] + t * self.direction[line];
        let step = self.spread[0] + t * self.spread[1];
        if self.flat {
            return Crossing { line: [k * strides[main]; 2], weight: [1.0, 0.0], first, step };
        }
        let aside = self.origin[other] + t * self.direction[other];
        let below = aside.floor();
        let (fraction, below) = ((aside - below) as f32, below as i64);
        let count = shape[other] as i64;
        let line_of = |i: i64| k * strides[main] + i.clamp(0, count - 1) as usize * strides[other];
        let inside = |i: i64, weight: f32| if (0..count).contains(&i) { weight } else { 0.0 };
        Crossing {
            line: [line_of(below), line_of(below + 1)],
            weight: [inside(below, 1.0 - fraction), inside(below + 1, fraction)],
            first,
            step,
        }
    }

    /// Length of ray j between two planes, mm.
    pub(super) fn millimetres(&self, j: usize) -> f32 {
        let j = j as f64;
        (self.length[0] + j * (self.length[1] + j * self.length[2])).sqrt() as f32
    }
}

/// |direction + j along|² in mm² as a polynomial in j, for one step along the main axis.
fn quadratic(rays: &ViewRays, direction: [f64; 3], along: [f64; 3], main: usize) -> [f64; 3] {
    let square = |j: f64| {
        let at = std::array::from_fn(|k| (direction[k] + j * along[k]) / direction[main]);
        rays.millimetres(at).powi(2)
    };
    let (zero, one, minus) = (square(0.0), square(1.0), square(-1.0));
    [zero, (one - minus) / 2.0, f64::midpoint(one, minus) - zero]
}

/// Sums of the voxels along the rays of sheets, without the rays' lengths.
pub(super) struct Pull<'a> {
    pub(super) lines: &'a Lines,
    pub(super) sheets: &'a [Sheet],
    /// `[sheet, ray]`, rays rounded up to whole vectors; overwritten.
    pub(super) sums: &'a mut [f32],
}

impl Kernel for Pull<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { lines, sheets, sums } = self;
        sums.fill(0.0);
        let Some(width) = sums.len().checked_div(sheets.len()) else { return };
        let mut crossings = [Crossing::default(); BLOCK];
        for main in 0..3 {
            // All sheets pass a block of planes while it is in the cache.
            for start in (0..lines.shape[main]).step_by(BLOCK) {
                for (sheet, sums) in sheets.iter().zip(sums.chunks_exact_mut(width)).filter(|(sheet, _)| sheet.main == main) {
                    let planes = sheet.planes.start.max(start)..sheet.planes.end.min(start + BLOCK);
                    let count = planes.len();
                    for (crossing, k) in crossings.iter_mut().zip(planes) {
                        *crossing = sheet.crossing(k, lines.shape, lines.strides);
                    }
                    pull_block(s, lines, &crossings[..count], sums);
                }
            }
        }
    }
}

#[inline(always)]
fn pull_block<S: Simd>(s: S, lines: &Lines, crossings: &[Crossing], sums: &mut [f32]) {
    let (Some(one), Some(two)) = (crossings.first(), crossings.last()) else { return };
    let end = lines.voxels as f64;
    let fits = one.step.abs().max(two.step.abs()) <= 2.0;
    for ray in (0..sums.len()).step_by(LANES) {
        // Positions are linear in the plane: outside at both ends of the block is outside in between.
        let ends = |c: &Crossing, j: usize| c.first + j as f64 * c.step;
        let all = [ends(one, ray), ends(one, ray + LANES - 1), ends(two, ray), ends(two, ray + LANES - 1)];
        if all.iter().all(|&x| x <= -1.0) || all.iter().all(|&x| x >= end) {
            continue;
        }
        let sum = if fits { pull::<S, true>(s, lines, crossings, ray) } else { pull::<S, false>(s, lines, crossings, ray) };
        let sums = sixteen_mut(sums, ray);
        s.store(s.add(s.load(sums), sum), sums);
    }
}

/// Sum over planes of the interpolated values at sixteen rays from `ray` on.
#[inline(always)]
fn pull<S: Simd, const FITS: bool>(s: S, lines: &Lines, crossings: &[Crossing], ray: usize) -> S::F {
    let mut sum = s.splat(0.0);
    let last_window = (lines.length - 2 * LANES) as f64;
    for crossing in crossings {
        // Coordinates from here on count from the zero before the line.
        let first = BEFORE as f64 + ray as f64 * crossing.step + crossing.first;
        let lowest = first.min(first + (LANES - 1) as f64 * crossing.step);
        let base = lowest.floor().max(0.0).min(last_window);
        let at = s.mul_add(s.ramp(), s.splat(crossing.step as f32), s.splat((first - base) as f32));
        let at = s.min(s.max(at, s.splat(-base as f32)), s.splat((lines.voxels as f64 + BEFORE as f64 - base) as f32));
        let below = s.floor(at);
        let (fraction, index) = (s.sub(at, below), s.to_int(below));
        let [start_0, start_1] = crossing.line.map(|line| line + base as usize);
        let [weight_0, weight_1] = crossing.weight.map(|weight| s.splat(weight));
        let (low, high) = if FITS {
            let blend = |offset: usize| {
                let (a, b) = (s.load(sixteen(&lines.values, start_0 + offset)), s.load(sixteen(&lines.values, start_1 + offset)));
                s.mul_add(b, weight_1, s.mul(a, weight_0))
            };
            let (near, far) = (blend(0), blend(LANES));
            (s.window(near, far, index), s.window(near, far, s.next(index)))
        } else {
            let left = lines.length - base as usize;
            let blend = |index: S::I| {
                let a = s.gather(&lines.values[start_0..start_0 + left], index);
                let b = s.gather(&lines.values[start_1..start_1 + left], index);
                s.mul_add(b, weight_1, s.mul(a, weight_0))
            };
            (blend(index), blend(s.next(index)))
        };
        sum = s.add(sum, s.mul_add(fraction, s.sub(high, low), low));
    }
    sum
}

/// The transpose of [`Pull`] for a block of planes across `main`: adds every ray's value to the voxels it passes.
pub(super) struct Push<'a> {
    pub(super) sheets: &'a [Sheet],
    /// `[sheet, ray]`, each sheet's rays between [`PAD`] zeros.
    pub(super) rays: &'a [f32],
    pub(super) main: usize,
    /// The planes of the block and its values `[plane, other, line]`.
    pub(super) planes: Range<usize>,
    pub(super) values: &'a mut [f32],
    pub(super) shape: [usize; 3],
    /// Distance between lines and between planes.
    pub(super) length: usize,
    pub(super) plane: usize,
}

impl Kernel for Push<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Some(width) = self.rays.len().checked_div(self.sheets.len()) else { return };
        for (sheet, rays) in self.sheets.iter().zip(self.rays.chunks_exact(width)).filter(|(sheet, _)| sheet.main == self.main) {
            let mut strides = [1; 3];
            strides[self.main] = self.plane;
            strides[sheet.other()] = self.length;
            let rays = &rays[..sheet.rays + 2 * PAD];
            for k in sheet.planes.start.max(self.planes.start)..sheet.planes.end.min(self.planes.end) {
                let mut crossing = sheet.crossing(k, self.shape, strides);
                crossing.line = crossing.line.map(|line| line - self.planes.start * self.plane);
                if crossing.step.abs() >= 0.5 {
                    push::<S, true>(s, rays, &crossing, self.length, self.values);
                } else {
                    push::<S, false>(s, rays, &crossing, self.length, self.values);
                }
            }
        }
    }
}

/// Adds the values of a sheet's rays to the two lines of a plane.
#[inline(always)]
fn push<S: Simd, const FITS: bool>(s: S, rays: &[f32], crossing: &Crossing, length: usize, values: &mut [f32]) {
    let (first, step) = (crossing.first, crossing.step);
    let inverse = 1.0 / step;
    let reach = inverse.abs();
    let count = rays.len() - 2 * PAD;
    let last = first + (count - 1) as f64 * step;
    let touched = (first.min(last) - 1.0).max(0.0) as usize / LANES * LANES..((first.max(last) + 2.0).max(0.0) as usize).min(length);
    // A voxel is between neighbours of at most this many rays.
    let hits = ((2.0 * reach).ceil() as usize).min(count + 1);
    let weights = crossing.weight.map(|weight| s.splat(weight));
    let (steps, inverses, one) = (s.splat(step as f32), s.splat(inverse as f32), s.splat(1.0));
    for voxel in touched.step_by(LANES) {
        // First ray within one voxel of a lane: the next whole number after (voxel − first) / step − reach.
        let fractional = (voxel as f64 - first) * inverse - reach;
        let base = fractional.min(fractional + (LANES - 1) as f64 * inverse).floor().max(-(PAD as f64)) + 1.0;
        if base >= count as f64 {
            continue;
        }
        let start = (base + PAD as f64) as usize;
        let before = s.floor(s.mul_add(s.ramp(), inverses, s.splat((fractional - base) as f32)));
        let local = s.add(before, one);
        let index = s.to_int(local);
        let mut aside = s.sub(s.mul_add(local, steps, s.splat((first + base * step - voxel as f64) as f32)), s.ramp());
        let mut sum = s.splat(0.0);
        for hit in 0..hits {
            let weight = s.max(s.sub(one, s.abs(aside)), s.splat(0.0));
            let value = if FITS {
                s.window(s.load(sixteen(rays, start + hit)), s.load(sixteen(rays, start + hit + LANES)), index)
            } else {
                // Before the first and after the last ray the index is confined to the zeros there.
                s.gather(rays, s.to_int(s.add(local, s.splat((start + hit) as f32))))
            };
            sum = s.mul_add(weight, value, sum);
            aside = s.add(aside, steps);
        }
        for (line, weight) in crossing.line.into_iter().zip(weights) {
            let to = sixteen_mut(values, line + voxel);
            s.store(s.mul_add(sum, weight, s.load(to)), to);
        }
    }
}
