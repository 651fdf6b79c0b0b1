//! Sheets: rays of a view whose paths differ along one array axis only, such as the rays of one detector column if v,
//! the direction between detector rows, is along z.
//!
//! In every plane of voxels across the main axis, the rays of a sheet pass between the same two lines of voxels, at
//! equal steps along them (a [`Crossing`]); [`super::pull`] and [`super::push`] exploit this.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]

use super::crossing::{Crossing, LONGEST};
use super::rays::{Span, ViewRays};
use std::ops::Range;

/// Rays j = 0, 1, .. of one view whose paths differ along the array axis `line` only.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    /// Main axis, along which the rays are summed.
    pub(super) main: usize,
    /// Axis along which the rays differ.
    pub(super) line: usize,
    flat: bool,
    origin: [f64; 3],
    direction: [f64; 3],
    /// Ray j is at `origin[line] + t direction[line] + j (spread[0] + t spread[1])`.
    spread: [f64; 2],
    /// Planes that the sheet crosses inside the grid.
    pub(super) planes: Range<usize>,
    /// Coefficients of the squared length between two planes of ray middle + j, mm²: c₀ + c₁ j + c₂ j².
    length: [f64; 3],
    middle: f32,
    /// Number of rays.
    pub(super) rays: usize,
}

impl Sheet {
    /// The sheets of a view; `None` if its rays form no sheets and must be followed one by one.
    pub(super) fn of_view(rays: &ViewRays, shape: [usize; 3], rows: usize, columns: usize) -> Option<Vec<Self>> {
        if rays.flat {
            return Self::of_flat_view(rays, shape, columns).map(|sheet| vec![sheet]);
        }
        let line = (0..3).max_by(|&a, &b| rays.v[a].abs().total_cmp(&rays.v[b].abs()))?;
        let drift = (0..3).filter(|&k| k != line).map(|k| rays.v[k].abs()).fold(0.0, f64::max);
        // The direction v between rows must be along an axis: over the whole detector it may deviate by 1e-5 voxel at
        // most.
        if drift * rows as f64 > 1e-5 {
            return None;
        }
        (0..columns).map(|column| Self::of_column(rays, shape, line, rows, column)).collect()
    }

    fn of_column(rays: &ViewRays, shape: [usize; 3], line: usize, rows: usize, column: usize) -> Option<Self> {
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
        let middle = (rows / 2) as f64;
        let mut sheet = Self {
            main,
            line,
            flat: false,
            origin,
            direction,
            spread,
            planes: 0..0,
            length: quadratic(rays, direction, along, main, middle),
            middle: middle as f32,
            rays: rows,
        };
        sheet.planes = sheet.planes_inside(shape, rays.is_parallel());
        sheet.is_regular(shape).then_some(sheet)
    }

    /// The single sheet of a parallel view in 2-D; its lines are rows or columns of the slice.
    fn of_flat_view(rays: &ViewRays, shape: [usize; 3], columns: usize) -> Option<Self> {
        if !rays.is_parallel() {
            return None;
        }
        let ray = rays.ray(0, 0);
        let main = rays.main_axis(ray.direction);
        let line = 3 - main;
        // Step to the next column, projected along the ray into the same plane.
        let step = rays.u[line] - rays.u[main] * ray.direction[line] / ray.direction[main];
        let mut sheet = Self {
            main,
            line,
            flat: true,
            origin: ray.origin,
            direction: ray.direction,
            spread: [step, 0.0],
            planes: 0..0,
            length: quadratic(rays, ray.direction, [0.0; 3], main, 0.0),
            middle: 0.0,
            rays: columns,
        };
        sheet.planes = sheet.planes_inside(shape, true);
        sheet.is_regular(shape).then_some(sheet)
    }

    /// Whether the distance between neighbouring rays is within the range that the vector kernels support.
    fn is_regular(&self, shape: [usize; 3]) -> bool {
        [0, shape[self.main] - 1]
            .iter()
            .all(|&k| (1.0 / LONGEST..=LONGEST).contains(&self.step(k).abs()) || self.planes.is_empty())
    }

    pub(super) fn other(&self) -> usize {
        3 - self.main - self.line
    }

    fn planes_inside(&self, shape: [usize; 3], parallel: bool) -> Range<usize> {
        let (main, other) = (self.main, self.other());
        // The source is outside the grid along the main axis, so that the rays cross all planes or none.
        if !parallel && (shape[main] as f64 / 2.0 - self.origin[main]) * self.direction[main] < 0.0 {
            return 0..0;
        }
        let mut span = Span { low: 0.0, high: shape[main] as f64 };
        if !self.flat {
            let slope = self.direction[other] / self.direction[main];
            span = span.between(self.origin[other] - self.origin[main] * slope, slope, -1.0, shape[other] as f64);
        }
        span.indices(shape[main])
    }

    /// Step between neighbouring rays in plane k, voxels.
    #[inline(always)]
    pub(super) fn step(&self, k: usize) -> f64 {
        let t = (k as f64 - self.origin[self.main]) / self.direction[self.main];
        self.spread[0] + t * self.spread[1]
    }

    #[inline(always)]
    pub(super) fn crossing(&self, k: usize, shape: [usize; 3], strides: [usize; 3]) -> Crossing {
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

    /// Multiplies a value of each ray by the ray's length between two planes, mm.
    #[inline]
    pub(super) fn times_length(&self, values: &mut [f32]) {
        let [zero, one, two] = self.length.map(|c| c as f32);
        for (j, value) in values.iter_mut().enumerate() {
            let j = j as f32 - self.middle;
            *value *= (zero + j * (one + j * two)).sqrt();
        }
    }
}

/// |direction + (middle + j) along|² in mm² as a polynomial in j, for one step along the main axis.
fn quadratic(rays: &ViewRays, direction: [f64; 3], along: [f64; 3], main: usize, middle: f64) -> [f64; 3] {
    if direction[main] == 0.0 {
        return [0.0; 3]; // A beam along the normal of a slice: it passes no plane.
    }
    let square = |j: f64| {
        let at = std::array::from_fn(|k| (direction[k] + (middle + j) * along[k]) / direction[main]);
        rays.millimetres(at).powi(2)
    };
    let (zero, one, minus) = (square(0.0), square(1.0), square(-1.0));
    [zero, (one - minus) / 2.0, f64::midpoint(one, minus) - zero]
}
