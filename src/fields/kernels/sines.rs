//! Sine layers: sines and cosines of many phases at once, and what the backward pass multiplies them with.
//!
//! A phase is split as x = kπ + r, |r| ≤ π/2 (Cody and Waite, 1980: π in two parts), sin x = (−1)ᵏ sin r and cos x = (−1)ᵏ cos r by
//! polynomials: absolute error below 2·10⁻⁷ for |x| up to some thousands. Neurons are `[points, neurons]`, stored as f32 or
//! rounded to bfloat16 for the next product; arithmetic is f32. Points are shared out in tiles, sums over them are added in
//! the tiles' order.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]
#![allow(clippy::needless_range_loop, reason = "the numbers of rows, neurons and lanes index several arrays")]

use crate::projectors::kernels::simd::{self, Kernel, LANES, Simd, sixteen, sixteen_mut};
use rayon::prelude::*;

/// Points of a tile.
const TILE: usize = 64;
/// Neurons that are treated at once.
const STRIP: usize = 256;

/// How neurons are stored.
pub trait Stored: Copy + Default + Send + Sync {
    /// As f32.
    fn wide(self) -> f32;
    /// Rounded to nearest, ties away from zero.
    fn narrow(value: f32) -> Self;
}

impl Stored for f32 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }
}

/// The bits of a bfloat16.
impl Stored for u16 {
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self) << 16)
    }
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        (value.to_bits().wrapping_add(0x8000) >> 16) as u16
    }
}

/// Room for a strip of neurons.
struct Strip {
    phases: [f32; STRIP],
    sines: [f32; STRIP],
    cosines: [f32; STRIP],
}

impl Strip {
    /// Sines of the first phases, and their cosines if there is where to put them, rounded to what is stored.
    #[inline(always)]
    fn waves<S: Simd, T: Stored>(&mut self, simd: S, sines: &mut [T], cosines: &mut [T]) {
        for at in (0..sines.len()).step_by(LANES) {
            let (sin, cos) = sin_cos(simd, simd.load(sixteen(&self.phases, at)));
            simd.store(sin, sixteen_mut(&mut self.sines, at));
            simd.store(cos, sixteen_mut(&mut self.cosines, at));
        }
        sines.iter_mut().zip(&self.sines).for_each(|(to, &value)| *to = T::narrow(value));
        cosines.iter_mut().zip(&self.cosines).for_each(|(to, &value)| *to = T::narrow(value));
    }
}

/// sin r / r and cos r as polynomials of r² on |r| ≤ π/2, highest power first: least largest error (Lawson, 1961), 3·10⁻⁹ and 5·10⁻⁸.
const SIN: [f32; 5] = [2.590_488_5e-6, -1.980_089_7e-4, 8.332_9e-3, -0.166_666_48, 1.0];
const COS: [f32; 5] = [2.315_393_2e-5, -1.385_370_4e-3, 4.166_358_3e-2, -0.499_999_05, 0.999_999_94];

/// Sine and cosine.
#[inline(always)]
fn sin_cos<S: Simd>(simd: S, x: S::F) -> (S::F, S::F) {
    let k = round(simd, simd.mul(x, simd.splat(std::f32::consts::FRAC_1_PI)));
    let r = simd.mul_add(k, simd.splat(-3.140_625), x);
    let r = simd.mul_add(k, simd.splat(-9.676_536e-4), r);
    // k/2 is a whole number for even k and half a one for odd k.
    let half = simd.mul(k, simd.splat(0.5));
    let sign = simd.mul_add(simd.abs(simd.sub(half, round(simd, half))), simd.splat(-4.0), simd.splat(1.0));
    let r2 = simd.mul(r, r);
    let sin = simd.mul(series(simd, SIN, r2), r);
    (simd.mul(sin, sign), simd.mul(series(simd, COS, r2), sign))
}

/// The nearest whole number: adding and taking away 1.5 · 2²³ leaves no digits behind the point.
#[inline(always)]
fn round<S: Simd>(simd: S, a: S::F) -> S::F {
    let magic = simd.splat(12_582_912.0);
    simd.sub(simd.add(a, magic), magic)
}

/// A polynomial, highest power first.
#[inline(always)]
fn series<S: Simd>(simd: S, coefficients: [f32; 5], x: S::F) -> S::F {
    let mut sum = simd.splat(coefficients[0]);
    for k in 1..5 {
        sum = simd.mul_add(sum, x, simd.splat(coefficients[k]));
    }
    sum
}

/// A layer that sees the points: their coordinates, and its weights times ω.
#[derive(Debug, Clone, Copy)]
pub struct First<'a> {
    /// Coordinates of a point.
    pub inputs: usize,
    /// `[points, inputs]`.
    pub points: &'a [f32],
    /// `[inputs, neurons]`.
    pub weight: &'a [f32],
}

/// sin and cos of phases = bias + (first layer's products, or those in `sines`): `[points, neurons]` each, `bias` `[neurons]`.
/// Where `cosines` is empty they are not kept.
pub fn forward<T: Stored>(first: Option<First<'_>>, bias: &[f32], sines: &mut [T], cosines: &mut [T]) {
    let width = bias.len();
    let tiles = sines.par_chunks_mut(TILE * width).enumerate();
    if cosines.is_empty() {
        tiles.for_each(|(number, sines)| simd::dispatch(simd::level(), Tile { number, first, bias, sines, cosines: &mut [] }));
    } else {
        let tiles = tiles.zip(cosines.par_chunks_mut(TILE * width));
        tiles.for_each(|((number, sines), cosines)| simd::dispatch(simd::level(), Tile { number, first, bias, sines, cosines }));
    }
}

struct Tile<'a, T> {
    number: usize,
    first: Option<First<'a>>,
    bias: &'a [f32],
    sines: &'a mut [T],
    cosines: &'a mut [T],
}

impl<T: Stored> Kernel for Tile<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let width = self.bias.len();
        let mut strip = Strip { phases: [0.0; STRIP], sines: [0.0; STRIP], cosines: [0.0; STRIP] };
        for start in (0..width).step_by(STRIP) {
            let end = width.min(start + STRIP);
            for row in 0..self.sines.len() / width {
                let place = row * width + start..row * width + end;
                let sines = &mut self.sines[place.clone()];
                let phase = &mut strip.phases[..end - start];
                phase.copy_from_slice(&self.bias[start..end]);
                match self.first {
                    None => phase.iter_mut().zip(&*sines).for_each(|(phase, product)| *phase += product.wide()),
                    Some(first) => {
                        let point = (self.number * TILE + row) * first.inputs;
                        for (k, &x) in first.points[point..point + first.inputs].iter().enumerate() {
                            let weight = &first.weight[k * width + start..k * width + end];
                            phase.iter_mut().zip(weight).for_each(|(phase, w)| *phase += w * x);
                        }
                    }
                }
                strip.waves(simd, sines, if self.cosines.is_empty() { &mut [] } else { &mut self.cosines[place] });
            }
        }
    }
}

/// Where the slopes of neurons come from.
#[derive(Debug, Clone, Copy)]
pub enum Slopes<'a, T> {
    /// From a product: `[points, neurons]`.
    Product(&'a [T]),
    /// From a linear output neuron: slopes of the values `[points]` times its weights `[neurons]`.
    Output(&'a [f32], &'a [f32]),
}

/// Turns cosines `[points, neurons]` into slopes of the phases, slope · cosine. Gives Σ over the points of these, and of these times
/// each column of `columns` `[points, n]`: `[1 + n, neurons]`.
pub fn backward<T: Stored>(slopes: Slopes<'_, T>, cosines: &mut [T], width: usize, columns: &[f32]) -> Vec<f32> {
    let points = cosines.len() / width;
    let extra = columns.len() / points;
    let mut parts = vec![0.0; points.div_ceil(TILE) * (1 + extra) * width];
    let tiles = cosines.par_chunks_mut(TILE * width).zip(parts.par_chunks_mut((1 + extra) * width)).enumerate();
    tiles.for_each(|(number, (cosines, sums))| {
        simd::dispatch(simd::level(), Back { first: number * TILE, slopes, cosines, width, columns, extra, sums });
    });
    added(&parts, (1 + extra) * width)
}

/// The sum of parts of equal length, in their order.
fn added(parts: &[f32], length: usize) -> Vec<f32> {
    let mut sum = vec![0.0; length];
    parts.chunks(length).for_each(|part| sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value));
    sum
}

struct Back<'a, T> {
    first: usize,
    slopes: Slopes<'a, T>,
    cosines: &'a mut [T],
    width: usize,
    columns: &'a [f32],
    extra: usize,
    sums: &'a mut [f32],
}

/// Points whose slopes are added to the sums together.
const GROUP: usize = 4;

impl<T: Stored> Kernel for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let rows = self.cosines.len() / self.width;
        let mut slopes = [[0.0f32; STRIP]; GROUP];
        for start in (0..self.width).step_by(STRIP) {
            let end = self.width.min(start + STRIP);
            for row in (0..rows).step_by(GROUP) {
                let count = GROUP.min(rows - row);
                slopes[count..].iter_mut().for_each(|slopes| slopes.fill(0.0));
                for (k, slopes) in slopes[..count].iter_mut().enumerate() {
                    self.slopes(row + k, start, &mut slopes[..end - start]);
                }
                self.add(row, count, start..end, &slopes);
            }
        }
    }
}

impl<T: Stored> Back<'_, T> {
    /// The slopes of some of a point's phases, also in place of their cosines.
    #[inline(always)]
    fn slopes(&mut self, row: usize, start: usize, slopes: &mut [f32]) {
        let point = self.first + row;
        match self.slopes {
            Slopes::Product(from) => {
                let from = &from[point * self.width + start..][..slopes.len()];
                slopes.iter_mut().zip(from).for_each(|(slope, from)| *slope = from.wide());
            }
            Slopes::Output(values, weight) => {
                let value = values[point];
                slopes.iter_mut().zip(&weight[start..]).for_each(|(slope, weight)| *slope = value * weight);
            }
        }
        let cosines = &mut self.cosines[row * self.width + start..][..slopes.len()];
        slopes.iter_mut().zip(&*cosines).for_each(|(slope, cosine)| *slope *= cosine.wide());
        cosines.iter_mut().zip(&*slopes).for_each(|(to, &slope)| *to = T::narrow(slope));
    }

    /// Adds the slopes of a group of points to the sums.
    #[inline(always)]
    fn add(&mut self, row: usize, count: usize, strip: std::ops::Range<usize>, slopes: &[[f32; STRIP]; GROUP]) {
        let [a, b, c, d] = slopes;
        for (column, sums) in self.sums.chunks_mut(self.width).enumerate() {
            let mut factors = [1.0f32; GROUP];
            for k in 0..if column == 0 { 0 } else { count } {
                factors[k] = self.columns[(self.first + row + k) * self.extra + column - 1];
            }
            let [fa, fb, fc, fd] = factors;
            let sums = &mut sums[strip.clone()];
            let pairs = sums.iter_mut().zip(a).zip(b).zip(c).zip(d);
            pairs.for_each(|((((sum, a), b), c), d)| *sum += (fa * a + fb * b) + (fc * c + fd * d));
        }
    }
}

/// A linear output neuron: bias + Σ weight · neuron, `[points]` from neurons `[points, neurons]`.
#[must_use]
pub fn output<T: Stored>(neurons: &[T], weight: &[f32], bias: f32) -> Vec<f32> {
    let width = weight.len();
    let mut values = vec![bias; neurons.len() / width];
    values.par_chunks_mut(TILE).zip(neurons.par_chunks(TILE * width)).for_each(|(values, neurons)| {
        simd::dispatch(simd::level(), Dot { values, neurons, weight });
    });
    values
}

struct Dot<'a, T> {
    values: &'a mut [f32],
    neurons: &'a [T],
    weight: &'a [f32],
}

impl<T: Stored> Kernel for Dot<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (value, row) in self.values.iter_mut().zip(self.neurons.chunks(self.weight.len())) {
            let mut sums = [0.0f32; LANES];
            for (neurons, weight) in row.chunks(LANES).zip(self.weight.chunks(LANES)) {
                sums.iter_mut().zip(neurons.iter().zip(weight)).for_each(|(sum, (neuron, weight))| *sum += neuron.wide() * weight);
            }
            *value += simd.sum(simd.load(&sums));
        }
    }
}

/// The gradient of the output neuron's weights: Σ over the points of slope · neuron, `[neurons]`.
#[must_use]
pub fn weighted<T: Stored>(neurons: &[T], slopes: &[f32], width: usize) -> Vec<f32> {
    let mut parts = vec![0.0; slopes.len().div_ceil(TILE) * width];
    parts.par_chunks_mut(width).zip(neurons.par_chunks(TILE * width)).zip(slopes.par_chunks(TILE)).for_each(|((sums, neurons), slopes)| {
        simd::dispatch(simd::level(), Weigh { sums, neurons, slopes });
    });
    added(&parts, width)
}

struct Weigh<'a, T> {
    sums: &'a mut [f32],
    neurons: &'a [T],
    slopes: &'a [f32],
}

impl<T: Stored> Kernel for Weigh<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (row, &slope) in self.neurons.chunks(self.sums.len()).zip(self.slopes) {
            self.sums.iter_mut().zip(row).for_each(|(sum, neuron)| *sum += slope * neuron.wide());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_and_cosines_are_those_of_the_standard_library_at_every_level() {
        let phases: Vec<f32> = (0..4096).map(|i| (i as f32 - 2048.0) * 0.137).collect();
        for level in simd::Level::ALL.into_iter().filter(|level| level.available()) {
            let (mut sines, mut cosines) = (phases.clone(), vec![0.0; phases.len()]);
            let bias = [0.0f32; 64];
            for (sines, cosines) in sines.chunks_mut(TILE * 64).zip(cosines.chunks_mut(TILE * 64)) {
                simd::dispatch(level, Tile { number: 0, first: None, bias: &bias, sines, cosines });
            }
            for ((&x, s), c) in phases.iter().zip(&sines).zip(&cosines) {
                let (sin, cos) = f64::from(x).sin_cos();
                let error = (f64::from(*s) - sin).abs().max((f64::from(*c) - cos).abs());
                assert!(error < 3e-7, "{level:?} at {x}: {error}");
            }
        }
    }

    #[test]
    fn bfloat16_is_rounded_to_the_nearest() {
        let cases = [(1.0f32, 1.0f32), (1.003_9, 1.0), (1.003_906_3, 1.007_812_5), (-2.5, -2.5)];
        for (value, expected) in cases {
            assert_eq!(u16::narrow(value).wide(), expected, "{value}");
        }
    }
}
