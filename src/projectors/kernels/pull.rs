//! Sums of interpolated samples of lines: sixteen rays of a sheet through a volume, or sixteen voxels of a line under many views.
//!
//! The two lines around the samples are blended first, once for sixteen samples; the samples then come from a window of
//! the blend that is held in registers ([`Simd::window`]), because equal steps of at most two keep them together.
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use super::lines::{BEFORE, Lines};
use super::sheets::Sheet;
use super::simd::{Kernel, LANES, Simd, sixteen, sixteen_mut};

/// Most planes of a block.
const BLOCK: usize = 16;

/// Samples j = 0, 1, .. at equal steps between two lines of values: where the lines begin, their weights, and where along
/// them the samples are. In a projection the samples are the rays of a sheet in one plane of voxels; in a backprojection
/// they are the voxels of a line, between two detector columns of one view.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crossing {
    pub(super) line: [usize; 2],
    pub(super) weight: [f32; 2],
    /// Coordinate of sample 0 along the lines, and the step to the next sample.
    pub(super) first: f64,
    pub(super) step: f64,
}

/// Sum over crossings of the interpolated values at sixteen samples from `sample` on. `FITS`: no step is longer than 2.
#[inline(always)]
pub(super) fn pull<S: Simd, const FITS: bool>(s: S, lines: &Lines, crossings: &[Crossing], sample: usize) -> S::F {
    let mut sum = s.splat(0.0);
    let last_window = (lines.length - 2 * LANES) as f64;
    for crossing in crossings {
        // Coordinates from here on count from the zero before the line.
        let first = BEFORE as f64 + sample as f64 * crossing.step + crossing.first;
        let lowest = first.min(first + (LANES - 1) as f64 * crossing.step);
        let base = lowest.floor().max(0.0).min(last_window);
        let at = s.mul_add(s.ramp(), s.splat(crossing.step as f32), s.splat((first - base) as f32));
        let at = s.min(s.max(at, s.splat(-base as f32)), s.splat((lines.voxels as f64 + BEFORE as f64 - base) as f32));
        let below = s.floor(at);
        let (fraction, index) = (s.sub(at, below), s.to_int(below));
        let lines = crossing.line.map(|line| &lines.values[line + base as usize..line + lines.length]);
        let (low, high) = if FITS {
            let (near, far) = (blend_at(s, lines, crossing.weight, 0), blend_at(s, lines, crossing.weight, LANES));
            (s.window(near, far, index), s.window(near, far, s.next(index)))
        } else {
            (blend_of(s, lines, crossing.weight, index), blend_of(s, lines, crossing.weight, s.next(index)))
        };
        sum = s.add(sum, s.mul_add(fraction, s.sub(high, low), low));
    }
    sum
}

// Functions, not closures: a closure does not inherit the vector instructions of the function it is in.

/// Sixteen values from `start` on of two lines, blended.
#[inline(always)]
fn blend_at<S: Simd>(s: S, lines: [&[f32]; 2], weights: [f32; 2], start: usize) -> S::F {
    let (a, b) = (s.load(sixteen(lines[0], start)), s.load(sixteen(lines[1], start)));
    s.mul_add(b, s.splat(weights[1]), s.mul(a, s.splat(weights[0])))
}

/// Entries `index` of two lines, blended.
#[inline(always)]
fn blend_of<S: Simd>(s: S, lines: [&[f32]; 2], weights: [f32; 2], index: S::I) -> S::F {
    let (a, b) = (s.gather(lines[0], index), s.gather(lines[1], index));
    s.mul_add(b, s.splat(weights[1]), s.mul(a, s.splat(weights[0])))
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
