//! The transpose of [`super::pull`]: sums, for sixteen voxels of a line, the rays that pass within one voxel of them.
//!
//! A voxel at i receives the rays j with |first + j step − i| < 1. These are at most 2 / step consecutive rays; each
//! lane takes them from a window of the rays' values held in registers, and the weights are computed as in the
//! projection.
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use super::crossing::Crossing;
use super::pull::{COARSE, FINE, fixed, shortened};
use super::sheets::Sheet;
use super::simd::{Kernel, LANES, Simd, sixteen_mut, thirty_two};
use std::ops::Range;

/// Number of zeros on both sides of the ray values of a sheet in [`Push`].
pub(super) const PAD: usize = 40;

/// The transpose of [`super::pull::Pull`] for a block of planes across `main`: adds every ray's value to the voxels
/// around its path.
pub(super) struct Push<'a> {
    pub(super) sheets: &'a [Sheet],
    /// Ray values `[sheet, ray]`, with [`PAD`] zeros before and after the rays of each sheet.
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
        for (sheet, rays) in
            self.sheets.iter().zip(self.rays.chunks_exact(width)).filter(|(sheet, _)| sheet.main == self.main)
        {
            let mut strides = [1; 3];
            strides[self.main] = self.plane;
            strides[sheet.other()] = self.length;
            let rays = &rays[..sheet.rays + 2 * PAD];
            for k in sheet.planes.start.max(self.planes.start)..sheet.planes.end.min(self.planes.end) {
                let mut crossing = sheet.crossing(k, self.shape, strides);
                crossing.line = crossing.line.map(|line| line - self.planes.start * self.plane);
                let work = (rays, &crossing, self.length, &mut *self.values);
                match crossing.step.abs() {
                    step if step >= 1.0 => push::<S, 2>(s, work),
                    step if step >= 2.0 / 3.0 => push::<S, 3>(s, work),
                    step if step >= 0.5 => push::<S, 4>(s, work),
                    _ => push::<S, 0>(s, work),
                }
            }
        }
    }
}

/// Adds the values of a sheet's rays to the two lines of a plane, with at most `HITS` rays per voxel. `HITS` 0 allows
/// any number, for rays too close to each other for a window of registers.
#[inline(always)]
fn push<S: Simd, const HITS: usize>(s: S, (rays, crossing, length, values): (&[f32], &Crossing, usize, &mut [f32])) {
    let (first, step, inverse) = (crossing.first, crossing.step, 1.0 / crossing.step);
    let count = rays.len() - 2 * PAD;
    let last = first + (count - 1) as f64 * step;
    let touched = (first.min(last) - 1.0).max(0.0) as usize / LANES
        ..((first.max(last) + 2.0).max(0.0) as usize).min(length).div_ceil(LANES);
    let hits = if HITS > 0 { HITS } else { (2.0 * inverse.abs()).ceil() as usize };
    let digits = if HITS > 0 { FINE } else { COARSE };
    let lane_step = shortened(inverse, digits);
    let below = ((LANES as i64 - 1) * lane_step).min(0);
    let lane = -below as i32;
    // Lower end of the ray indices that reach the voxels of the first vector, for the lane where it is lowest.
    let lowest = fixed(-first * inverse - inverse.abs()) + (below << (32 - digits));
    let advance = LANES as i64 * fixed(inverse);
    let (first, step) = (fixed(first), fixed(step));
    let steps = s.splat(crossing.step as f32);
    let [line_0, line_1] = crossing.line;
    for vector in touched {
        // First ray within one voxel of a lane: the next integer above (voxel − first) / step − 1 / |step|.
        let lowest = lowest + vector as i64 * advance;
        let base = (lowest >> 32) + 1;
        if base >= count as i64 || (HITS > 0 && base <= -(PAD as i64)) {
            continue;
        }
        let index = s.whole(s.steps(lane + (lowest as u32 >> (32 - digits)) as i32, lane_step as i32), digits);
        let start = base + PAD as i64;
        let from = (first + base * step - (((vector * LANES) as i64) << 32)) as f32 * (1.0 / 4294967296.0);
        let mut aside = s.mul_add(s.float(index), steps, s.sub(s.splat(from), s.ramp()));
        let mut sum = s.splat(0.0);
        for hit in 0..hits {
            let weight = s.max(s.sub(s.splat(1.0), s.abs(aside)), s.splat(0.0));
            let value = if HITS > 0 {
                let [low, high] = thirty_two(rays, start as usize + hit);
                s.window(s.load(low), s.load(high), index)
            } else {
                // Before the first and after the last ray the index is clamped to the zeros there.
                s.gather(rays, s.shifted(index, (start + hit as i64) as i32))
            };
            sum = s.mul_add(weight, value, sum);
            aside = s.add(aside, steps);
        }
        let to = sixteen_mut(values, line_0 + vector * LANES);
        s.store(s.mul_add(sum, s.splat(crossing.weight[0]), s.load(to)), to);
        let to = sixteen_mut(values, line_1 + vector * LANES);
        s.store(s.mul_add(sum, s.splat(crossing.weight[1]), s.load(to)), to);
    }
}
