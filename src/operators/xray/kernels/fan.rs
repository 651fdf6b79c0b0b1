//! Fan beams of a slice, sixteen neighbouring rays at a time. Unlike those of [`super::sheets`], the rays are not
//! equidistant.
//!
//! In every plane across their main axis sixteen rays cross a line of voxels within a window of 32 values that is held
//! in registers ([`Simd::window`]); rays farther apart are followed one by one. The transpose adds each ray's
//! interpolation weights (a hat function) to the same window. Positions within a window are f32 and are recomputed in
//! f64 every [`BLOCK`] planes.
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use super::lines::{Lines, WINDOW};
use super::rays::ViewRays;
use super::simd::{Kernel, LANES, Level, Simd, dispatch, sixteen_mut, thirty_two};
use rayon::prelude::*;

/// Number of planes between two recomputations of the positions, and of a task of the transpose.
const BLOCK: usize = 16;

/// Largest width of a bundle, in voxels, that fits a window at any position within a voxel.
const WIDEST: f64 = 29.9;

/// The rays among sixteen neighbouring columns that share a main axis.
#[derive(Debug, Clone)]
pub(super) struct Bundle {
    main: usize,
    first: usize,
    /// Lane i crosses plane k at a + b k; lanes without a ray of the bundle repeat a neighbour.
    a: [f64; LANES],
    b: [f64; LANES],
    /// Length of the ray between two planes, mm; 0 for lanes without a ray of the bundle.
    millimetres: [f32; LANES],
}

impl Bundle {
    /// The bundles of a view; `None` if they cannot represent it, so that its rays must be followed one by one.
    pub(super) fn of_view(rays: &ViewRays, shape: [usize; 3], columns: usize) -> Option<Vec<Self>> {
        let mut bundles = Vec::new();
        if !rays.flat {
            return None;
        }
        for first in (0..columns).step_by(LANES) {
            for main in [1, 2] {
                bundles.extend(Self::new(rays, shape, main, first..(first + LANES).min(columns))?);
            }
        }
        Some(bundles)
    }

    /// The bundle of the columns whose rays have the main axis `main`: `Some(None)` if there are none, `None` if the
    /// source lies between the planes.
    #[expect(clippy::option_option, reason = "none of it, or not to be had")]
    fn new(rays: &ViewRays, shape: [usize; 3], main: usize, columns: std::ops::Range<usize>) -> Option<Option<Self>> {
        let first = columns.start;
        let mut found = Self { main, first, a: [0.0; LANES], b: [0.0; LANES], millimetres: [0.0; LANES] };
        let mut last = None;
        for column in columns {
            let ray = rays.ray(0, column);
            let along = ray.direction[main];
            if rays.main_axis(ray.direction) != main || along == 0.0 {
                continue;
            }
            if !rays.starts_outside(main, shape[main]) {
                return None;
            }
            if !rays.is_parallel() && (shape[main] as f64 / 2.0 - ray.origin[main]) * along < 0.0 {
                continue;
            }
            let (lane, slope) = (column - first, ray.direction[3 - main] / along);
            let a = ray.origin[3 - main] - ray.origin[main] * slope;
            // Lanes without a ray of the bundle repeat a neighbouring ray.
            let from = last.map_or(0, |last: usize| last + 1);
            found.a[from..].fill(a);
            found.b[from..].fill(slope);
            found.millimetres[lane] = rays.millimetres(ray.direction.map(|d| d / along)) as f32;
            last = Some(lane);
        }
        Some(last.map(|_| found))
    }

    /// Lowest and highest crossing coordinate in plane k.
    #[inline(always)]
    fn bounds(&self, k: usize) -> (f64, f64) {
        let mut bounds = (f64::INFINITY, f64::NEG_INFINITY);
        for (a, b) in self.a.iter().zip(&self.b) {
            let at = a + b * k as f64;
            bounds = (if at < bounds.0 { at } else { bounds.0 }, if at > bounds.1 { at } else { bounds.1 });
        }
        bounds
    }

    /// The positions of the bundle in the planes `start..end`; `None` if it passes outside the voxels.
    #[inline(always)]
    fn block(&self, start: usize, end: usize, voxels: usize) -> Option<Block> {
        let (from, to) = (self.bounds(start), self.bounds(end - 1));
        if from.1.max(to.1) <= -1.0 || from.0.min(to.0) >= voxels as f64 {
            return None;
        }
        // As functions of the plane the lowest crossing is concave and the highest convex, so that the lines between
        // the ends bound them.
        let step = (to.0 - from.0) / (end - start).max(2).saturating_sub(1) as f64;
        let wide = (from.1 - from.0).max(to.1 - to.0);
        let origin = from.0.floor();
        let mut block = Block {
            origin: origin as i64,
            low: from.0 - origin - 1e-3,
            step,
            wide,
            offset: [0.0; LANES],
            slope: [0.0; LANES],
        };
        for lane in 0..LANES {
            block.offset[lane] = (self.a[lane] + self.b[lane] * start as f64 - origin) as f32;
            block.slope[lane] = self.b[lane] as f32;
        }
        Some(block)
    }
}

/// A bundle in a block of planes: lane i is at origin + offset + k slope in the k-th of them.
struct Block {
    origin: i64,
    /// Lower bound of the lanes relative to `origin`, and its step per plane.
    low: f64,
    step: f64,
    /// Largest distance from the lowest to the highest lane, voxels.
    wide: f64,
    offset: [f32; LANES],
    slope: [f32; LANES],
}

impl Block {
    /// Start of the window in the k-th plane, and the positions of the lanes in it; `None` if it contains no voxels.
    #[inline(always)]
    fn place<S: Simd>(&self, s: S, lanes: [S::F; 2], k: usize, voxels: usize) -> Option<(usize, S::F)> {
        let low = self.low + k as f64 * self.step;
        let base = (low + 1024.0) as i64 - 1024;
        let start = self.origin + base;
        if start <= -(WINDOW as i64) || start >= voxels as i64 {
            return None;
        }
        let at = s.sub(s.mul_add(lanes[1], s.splat(k as f32), lanes[0]), s.splat(base as f32));
        Some(((start + WINDOW as i64) as usize, at))
    }
}

/// Computes the line integrals `[column]` of views from their bundles (overwritten); `lines[main − 1]` are lines of
/// voxels across the main axis `main`.
pub(super) fn forward(level: Level, lines: &[Lines; 2], views: &mut [(Vec<Bundle>, &mut [f32])]) {
    views.par_iter_mut().for_each(|(bundles, out)| dispatch(level, Follow { lines, bundles, out }));
}

struct Follow<'a> {
    lines: &'a [Lines; 2],
    bundles: &'a [Bundle],
    out: &'a mut [f32],
}

impl Kernel for Follow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.out.fill(0.0);
        for bundle in self.bundles {
            let lines = &self.lines[bundle.main - 1];
            let (stride, planes) = (lines.strides[bundle.main], lines.shape[bundle.main]);
            let mut sums = [0.0; LANES];
            let mut sum = s.splat(0.0);
            for start in (0..planes).step_by(BLOCK) {
                let end = (start + BLOCK).min(planes);
                let Some(block) = bundle.block(start, end, lines.voxels) else { continue };
                if block.wide > WIDEST {
                    for (sum, (a, b)) in sums.iter_mut().zip(bundle.a.iter().zip(&bundle.b)) {
                        *sum += (start..end).map(|k| sample(lines, k * stride, a + b * k as f64)).sum::<f32>();
                    }
                    continue;
                }
                let lanes = [s.load(&block.offset), s.load(&block.slope)];
                for k in start..end {
                    let Some((first, at)) = block.place(s, lanes, k - start, lines.voxels) else { continue };
                    let index = s.truncated(at);
                    let [near, far] = thirty_two(&lines.values, k * stride + first);
                    let (near, far) = (s.load(near), s.load(far));
                    let low = s.window(near, far, index);
                    let high = s.window(near, far, s.shifted(index, 1));
                    sum = s.add(sum, s.mul_add(s.sub(at, s.float(index)), s.sub(high, low), low));
                }
            }
            let all = s.mul(s.add(sum, s.load(&sums)), s.load(&bundle.millimetres));
            s.store(all, &mut sums);
            let lanes = sums.iter().zip(&bundle.millimetres).zip(&mut self.out[bundle.first..]);
            lanes.filter(|((_, length), _)| **length > 0.0).for_each(|((sum, _), out)| *out = *sum);
        }
    }
}

/// The interpolated value of a line at a position; zero outside.
#[inline(always)]
fn sample(lines: &Lines, line: usize, at: f64) -> f32 {
    let Some((i, fraction)) = between(at, lines.voxels) else { return 0.0 };
    let [low, high] = [lines.values[line + i], lines.values[line + i + 1]];
    low + fraction * (high - low)
}

/// Index of the first of the two values around a position, counted from the zeros before the line, and the fraction
/// towards the next.
#[inline(always)]
fn between(at: f64, voxels: usize) -> Option<(usize, f32)> {
    let at = at + WINDOW as f64;
    let inside = at > (WINDOW - 1) as f64 && at < (WINDOW + voxels) as f64;
    inside.then_some((at as usize, (at - (at as usize) as f64) as f32))
}

/// Adds the transpose of [`forward`] to a slice `[y, x]`.
pub(super) fn adjoint(level: Level, views: &[(Vec<Bundle>, &[f32])], shape: [usize; 3], volume: &mut [f32]) {
    for main in [1, 2] {
        if !views.iter().any(|(bundles, _)| bundles.iter().any(|bundle| bundle.main == main)) {
            continue;
        }
        let voxels = shape[3 - main];
        let length = voxels + 2 * WINDOW;
        let mut sums = vec![0.0; shape[main] * length];
        // Each task owns its planes, so that every voxel sums its rays in the same order for any number of threads.
        sums.par_chunks_mut(BLOCK * length).enumerate().for_each(|(block, sums)| {
            dispatch(level, Spread { views, main, start: block * BLOCK, voxels, sums });
        });
        volume.par_chunks_mut(shape[2]).enumerate().for_each(|(y, row)| {
            for (x, voxel) in row.iter_mut().enumerate() {
                let (plane, i) = if main == 1 { (y, x) } else { (x, y) };
                *voxel += sums[plane * length + WINDOW + i];
            }
        });
    }
}

/// The planes of one task of [`adjoint`].
struct Spread<'a> {
    views: &'a [(Vec<Bundle>, &'a [f32])],
    main: usize,
    start: usize,
    voxels: usize,
    /// Sums `[plane, position]`, each line with zeros before and after it.
    sums: &'a mut [f32],
}

impl Kernel for Spread<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { views, main, start, voxels, sums } = self;
        let length = voxels + 2 * WINDOW;
        let end = start + sums.len() / length;
        for (bundle, values) in
            views.iter().flat_map(|(bundles, values)| bundles.iter().map(move |bundle| (bundle, values)))
        {
            if bundle.main != main {
                continue;
            }
            let Some(block) = bundle.block(start, end, voxels) else { continue };
            let mut own = [0.0; LANES];
            own.iter_mut().zip(&values[bundle.first..]).for_each(|(own, value)| *own = *value);
            let weighted = s.mul(s.load(&own), s.load(&bundle.millimetres));
            s.store(weighted, &mut own);
            let lanes = [s.load(&block.offset), s.load(&block.slope)];
            for (k, line) in sums.chunks_exact_mut(length).enumerate() {
                if block.wide > WIDEST {
                    one_by_one(bundle, &own, start + k, voxels, line);
                } else if let Some((first, at)) = block.place(s, lanes, k, voxels) {
                    if block.wide < WIDEST - LANES as f64 {
                        hats::<S, 1>(s, at, &own, line, first);
                    } else {
                        hats::<S, 2>(s, at, &own, line, first);
                    }
                }
            }
        }
    }
}

/// Distributes each lane's value to the two voxels around its position, in `HALVES` vectors of a line.
#[inline(always)]
fn hats<S: Simd, const HALVES: usize>(s: S, at: S::F, values: &[f32; LANES], line: &mut [f32], first: usize) {
    let mut places = [0.0; LANES];
    s.store(at, &mut places);
    let (one, zero) = (s.splat(1.0), s.splat(0.0));
    let voxels = [s.ramp(), s.add(s.ramp(), s.splat(LANES as f32))];
    // Sum even and odd lanes separately, which shortens the chain of dependent additions.
    let mut sums = [[zero; 2]; 2];
    for (places, values) in places.chunks_exact(2).zip(values.chunks_exact(2)) {
        for lane in 0..2 {
            let (place, value) = (s.splat(places[lane]), s.splat(values[lane]));
            for (sums, voxels) in sums.iter_mut().zip(voxels).take(HALVES) {
                sums[lane] = s.mul_add(s.max(s.sub(one, s.abs(s.sub(voxels, place))), zero), value, sums[lane]);
            }
        }
    }
    for (half, [even, odd]) in sums.into_iter().enumerate().take(HALVES) {
        let to = sixteen_mut(line, first + half * LANES);
        s.store(s.add(s.load(to), s.add(even, odd)), to);
    }
}

/// Like [`hats`], for lanes too far apart for a window.
fn one_by_one(bundle: &Bundle, values: &[f32; LANES], k: usize, voxels: usize, line: &mut [f32]) {
    for (lane, value) in values.iter().enumerate() {
        if let Some((i, fraction)) = between(bundle.a[lane] + bundle.b[lane] * k as f64, voxels) {
            line[i] += (1.0 - fraction) * value;
            line[i + 1] += fraction * value;
        }
    }
}
