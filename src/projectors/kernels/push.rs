//! The transpose of [`super::pull`]: collects, for sixteen voxels of a line, the rays that pass between them and their
//! neighbours.
//!
//! A voxel at i hears the rays j with |first + j step − i| < 1, at most 2 / step of them and neighbours of each other; lane by
//! lane they come from a window of the rays' values held in registers, and the weights are computed as in the projection.
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use super::pull::Crossing;
use super::sheets::Sheet;
use super::simd::{Kernel, LANES, Simd, sixteen, sixteen_mut};
use std::ops::Range;

/// Zeros on both sides of the values of a sheet's rays in [`Push`].
pub(super) const PAD: usize = 40;

/// The transpose of [`super::pull::Pull`] for a block of planes across `main`: adds every ray's value to the voxels it passes.
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
    let weights = [s.splat(crossing.weight[0]), s.splat(crossing.weight[1])];
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
