//! Sums of interpolated samples of lines: for sixteen rays of a sheet through a volume, or for sixteen voxels of a line
//! over many views.
//!
//! The two lines around the samples are interpolated first, once for sixteen samples. The samples are then taken from a
//! window of the result that is held in registers ([`Simd::window`]), which is possible because steps of at most two
//! voxels keep them close together. Positions are integers in units of 2⁻³² voxel (2⁻²⁶ between the lanes), which needs
//! no conversions and has no rounding error that grows with the grid.
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use super::crossing::Crossing;
use super::lines::{Lines, WINDOW};
use super::sheets::Sheet;
use super::simd::{Kernel, LANES, Simd, sixteen_mut, thirty_two};
use std::cmp::Ordering;

/// Number of voxels that sixteen samples at the longest step span at most.
const SPAN: i64 = 1 << 9;

/// Number of fractional bits of positions in lanes: `FINE` if a window of registers holds the samples, else `COARSE`.
pub(super) const FINE: u32 = 26;
pub(super) const COARSE: u32 = 22;

/// Positions farther away are clamped to this; they are outside the grid anyway.
const FAR: f64 = 1e9;

/// 2³² x: a position as a fixed-point number.
#[inline(always)]
pub(super) fn fixed(x: f64) -> i64 {
    (x * 4294967296.0) as i64
}

/// [`fixed`], rounded to `digits` fractional bits.
#[inline(always)]
pub(super) fn shortened(x: f64, digits: u32) -> i64 {
    (fixed(x) + (1 << (31 - digits))) >> (32 - digits)
}

/// A [`Crossing`] converted for vector lanes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Samples {
    line: [usize; 2],
    weight: [f32; 2],
    /// 2³² times the lowest position of the first sixteen samples, and its change to the next sixteen.
    lowest: i64,
    advance: i64,
    /// Offset of lane 0 from the lowest lane, and the step between lanes, in units of 2⁻²⁶ or 2⁻²² voxel.
    lane: i32,
    step: i32,
}

impl Samples {
    /// `fits`: no step of the block is longer than 2 voxels.
    #[inline(always)]
    pub(super) fn new(crossing: &Crossing, fits: bool) -> Self {
        let digits = if fits { FINE } else { COARSE };
        let step = shortened(crossing.step, digits);
        // The lanes are multiples of the rounded step, so that the lowest position must be computed from it too.
        let reach = (LANES as i64 - 1) * step;
        let below = reach.min(0);
        Self {
            line: crossing.line,
            weight: crossing.weight,
            lowest: fixed(crossing.first.clamp(-FAR, FAR)) + (below << (32 - digits)),
            advance: LANES as i64 * fixed(crossing.step),
            lane: -below as i32,
            step: step as i32,
        }
    }

    /// 2³² times the lowest position of the sixteen samples of a vector, and whether they all lie before, may overlap,
    /// or all lie after a line of `voxels` voxels.
    #[inline(always)]
    fn place<const FITS: bool>(&self, vector: usize, voxels: usize) -> (i64, Ordering) {
        let lowest = self.lowest + vector as i64 * self.advance;
        let before = if FITS { -(WINDOW as i64) } else { -SPAN };
        let side = match lowest >> 32 {
            base if base < before => Ordering::Less,
            base if base >= voxels as i64 => Ordering::Greater,
            _ => Ordering::Equal,
        };
        (lowest, side)
    }
}

/// Whether a window of registers holds sixteen samples at this step (voxels).
#[inline(always)]
pub(super) fn fits(step: f64) -> bool {
    step.abs() <= 2.0
}

/// Sum over crossings of the interpolated values at the samples of a vector. `FITS`: no step is longer than 2 voxels.
#[inline(always)]
pub(super) fn pull<S: Simd, const FITS: bool>(s: S, lines: &Lines, samples: &[Samples], vector: usize) -> S::F {
    let digits = if FITS { FINE } else { COARSE };
    let (mut sum, mut slopes) = (s.splat(0.0), s.splat(0.0));
    for sample in samples {
        let (lowest, side) = sample.place::<FITS>(vector, lines.voxels);
        if side != Ordering::Equal {
            continue;
        }
        let start = sample.lane.wrapping_add((lowest as u32 >> (32 - digits)) as i32);
        let position = s.steps(start, sample.step);
        let (index, fraction) = (s.whole(position, digits), s.fraction(position, digits));
        let base = (lowest >> 32) + WINDOW as i64;
        let (low, high) = if FITS {
            let [near_0, far_0] = thirty_two(&lines.values, sample.line[0] + base as usize);
            let [near_1, far_1] = thirty_two(&lines.values, sample.line[1] + base as usize);
            let (near, far) =
                (blend(s, s.load(near_0), s.load(near_1), sample), blend(s, s.load(far_0), s.load(far_1), sample));
            (s.window(near, far, index), s.window(near, far, s.shifted(index, 1)))
        } else {
            let index = s.shifted(index, base as i32);
            (blend_of(s, lines, sample, index), blend_of(s, lines, sample, s.shifted(index, 1)))
        };
        sum = s.add(sum, low);
        slopes = s.mul_add(fraction, s.sub(high, low), slopes);
    }
    s.mul_add(slopes, s.splat(1.0 / (1u32 << digits) as f32), sum)
}

/// Weighted sum of values of two lines.
#[inline(always)]
fn blend<S: Simd>(s: S, a: S::F, b: S::F, sample: &Samples) -> S::F {
    s.mul_add(b, s.splat(sample.weight[1]), s.mul(a, s.splat(sample.weight[0])))
}

/// Weighted sum of the entries `index` of two lines; the index is clamped to the zeros before and after the line.
#[inline(always)]
fn blend_of<S: Simd>(s: S, lines: &Lines, sample: &Samples, index: S::I) -> S::F {
    let length = lines.voxels + 2 * WINDOW;
    let a = s.gather(&lines.values[sample.line[0]..sample.line[0] + length], index);
    let b = s.gather(&lines.values[sample.line[1]..sample.line[1] + length], index);
    blend(s, a, b, sample)
}

/// Line integrals of the rays of sheets.
pub(super) struct Pull<'a> {
    pub(super) lines: &'a Lines,
    pub(super) sheets: &'a [Sheet],
    /// Line integrals `[sheet, ray]`, with the rays rounded up to whole vectors; overwritten.
    pub(super) sums: &'a mut [f32],
}

/// Maximum number of planes in a block.
const BLOCK: usize = 16;

impl Kernel for Pull<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { lines, sheets, sums } = self;
        sums.fill(0.0);
        let Some(width) = sums.len().checked_div(sheets.len()) else { return };
        let mut samples = [Samples::default(); BLOCK];
        for main in 0..3 {
            // Process all sheets for a block of planes while it is in the cache.
            for start in (0..lines.shape[main]).step_by(BLOCK) {
                for (sheet, sums) in
                    sheets.iter().zip(sums.chunks_exact_mut(width)).filter(|(sheet, _)| sheet.main == main)
                {
                    let planes = sheet.planes.start.max(start)..sheet.planes.end.min(start + BLOCK);
                    if planes.is_empty() {
                        continue;
                    }
                    let fits = fits(sheet.step(planes.start)) && fits(sheet.step(planes.end - 1));
                    let count = planes.len();
                    for (sample, k) in samples.iter_mut().zip(planes) {
                        *sample = Samples::new(&sheet.crossing(k, lines.shape, lines.strides), fits);
                    }
                    if fits {
                        pull_block::<S, true>(s, lines, &samples[..count], sums);
                    } else {
                        pull_block::<S, false>(s, lines, &samples[..count], sums);
                    }
                }
            }
        }
        for (sheet, sums) in sheets.iter().zip(sums.chunks_exact_mut(width)) {
            sheet.times_length(sums);
        }
    }
}

#[inline(always)]
fn pull_block<S: Simd, const FITS: bool>(s: S, lines: &Lines, samples: &[Samples], sums: &mut [f32]) {
    let (Some(one), Some(two)) = (samples.first(), samples.last()) else { return };
    for (vector, sums) in sums.chunks_exact_mut(LANES).enumerate() {
        // Positions are linear in the plane index: if the samples lie outside on the same side in the first and the
        // last plane, they do so in between.
        let (_, side) = one.place::<FITS>(vector, lines.voxels);
        if side == Ordering::Equal || side != two.place::<FITS>(vector, lines.voxels).1 {
            let sums = sixteen_mut(sums, 0);
            s.store(s.add(s.load(sums), pull::<S, FITS>(s, lines, samples, vector)), sums);
        }
    }
}
