//! Activations of the neurons `[points, neurons]` between two matrix products: values and derivatives in the forward
//! pass, gradients in the backward pass. Values are stored as f32 or, for bf16 products, rounded to bfloat16;
//! arithmetic is f32. The work is divided into tiles of points; sums over points are added in the order of the tiles.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]
#![allow(clippy::needless_range_loop, reason = "the numbers of rows, neurons and lanes index several arrays")]

use super::pointwise::Pointwise;
use crate::operators::xray::kernels::simd::{self, Kernel, LANES, Simd};
use rayon::prelude::*;

/// Number of points per tile.
const TILE: usize = 64;
/// Number of neurons that are processed at once.
const STRIP: usize = 256;

/// Number format in which neurons are stored.
pub trait Stored: Copy + Default + Send + Sync {
    /// The value as f32.
    fn wide(self) -> f32;
    /// The nearest value of this format, ties away from zero.
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

/// A bfloat16, as its bits.
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

/// First layer with few inputs per point: the inputs and the weights.
#[derive(Debug, Clone, Copy)]
pub struct First<'a> {
    /// Number of inputs per point.
    pub inputs: usize,
    /// `[points, inputs]`.
    pub points: &'a [f32],
    /// `[inputs, neurons]`.
    pub weight: &'a [f32],
}

/// Computes φ(s) and φ'(s) for the sums s = bias + product, where the products are those of the first layer (if given)
/// or are read from `neurons`. φ(s) `[points, neurons]` is written to `neurons`, φ'(s) to `derivatives` of the same
/// shape, unless that is empty; `bias` is `[neurons]`.
pub fn forward<T: Stored>(
    pointwise: Pointwise,
    first: Option<First<'_>>,
    bias: &[f32],
    neurons: &mut [T],
    derivatives: &mut [T],
) {
    let width = bias.len();
    let tiles = neurons.par_chunks_mut(TILE * width).enumerate();
    let tile = |number, neurons, derivatives| {
        simd::dispatch(simd::level(), Tile { number, pointwise, first, bias, neurons, derivatives });
    };
    if derivatives.is_empty() {
        tiles.for_each(|(number, neurons)| tile(number, neurons, &mut []));
    } else {
        let tiles = tiles.zip(derivatives.par_chunks_mut(TILE * width));
        tiles.for_each(|((number, neurons), derivatives)| tile(number, neurons, derivatives));
    }
}

struct Tile<'a, T> {
    number: usize,
    pointwise: Pointwise,
    first: Option<First<'a>>,
    bias: &'a [f32],
    neurons: &'a mut [T],
    derivatives: &'a mut [T],
}

impl<T: Stored> Kernel for Tile<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let width = self.bias.len();
        let (mut sums, mut slopes) = ([0.0; STRIP], [0.0; STRIP]);
        for start in (0..width).step_by(STRIP) {
            let end = width.min(start + STRIP);
            let lanes = (end - start).next_multiple_of(LANES);
            for row in 0..self.neurons.len() / width {
                let place = row * width + start..row * width + end;
                let neurons = &mut self.neurons[place.clone()];
                let sum = &mut sums[..end - start];
                sum.copy_from_slice(&self.bias[start..end]);
                match self.first {
                    None => sum.iter_mut().zip(&*neurons).for_each(|(sum, product)| *sum += product.wide()),
                    Some(first) => {
                        let point = (self.number * TILE + row) * first.inputs;
                        for (k, &x) in first.points[point..point + first.inputs].iter().enumerate() {
                            let weight = &first.weight[k * width + start..k * width + end];
                            sum.iter_mut().zip(weight).for_each(|(sum, w)| *sum += w * x);
                        }
                    }
                }
                self.pointwise.apply(simd, &mut sums[..lanes], &mut slopes[..lanes]);
                neurons.iter_mut().zip(&sums).for_each(|(to, &value)| *to = T::narrow(value));
                if !self.derivatives.is_empty() {
                    self.derivatives[place].iter_mut().zip(&slopes).for_each(|(to, &value)| *to = T::narrow(value));
                }
            }
        }
    }
}

/// Source of the gradients with respect to the neurons' values.
#[derive(Debug, Clone, Copy)]
pub enum SumSlopes<'a, T> {
    /// A matrix product: `[points, neurons]`.
    Product(&'a [T]),
    /// A linear output neuron: the gradient with respect to its values `[points]` times its weights `[neurons]`.
    Output(&'a [f32], &'a [f32]),
}

/// Multiplies the derivatives φ' `[points, neurons]` in place by the gradients with respect to the neurons, which gives
/// the gradients d with respect to the sums. Returns Σ d over the points, followed by Σ d c for each column c of
/// `columns` `[points, n]`: `[1 + n, neurons]`.
pub fn backward<T: Stored>(slopes: SumSlopes<'_, T>, derivatives: &mut [T], width: usize, columns: &[f32]) -> Vec<f32> {
    let points = derivatives.len() / width;
    let extra = columns.len() / points;
    let mut parts = vec![0.0; points.div_ceil(TILE) * (1 + extra) * width];
    let tiles = derivatives.par_chunks_mut(TILE * width).zip(parts.par_chunks_mut((1 + extra) * width)).enumerate();
    tiles.for_each(|(number, (derivatives, sums))| {
        simd::dispatch(simd::level(), Back { first: number * TILE, slopes, derivatives, width, columns, extra, sums });
    });
    added(&parts, (1 + extra) * width)
}

/// The elementwise sum of consecutive parts of equal length, in their order.
fn added(parts: &[f32], length: usize) -> Vec<f32> {
    let mut sum = vec![0.0; length];
    parts.chunks(length).for_each(|part| sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value));
    sum
}

struct Back<'a, T> {
    first: usize,
    slopes: SumSlopes<'a, T>,
    derivatives: &'a mut [T],
    width: usize,
    columns: &'a [f32],
    extra: usize,
    sums: &'a mut [f32],
}

/// Number of points whose gradients are added to the sums together.
const GROUP: usize = 4;

impl<T: Stored> Kernel for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let rows = self.derivatives.len() / self.width;
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
    /// The gradients with respect to some of a point's sums; also written over their derivatives.
    #[inline(always)]
    fn slopes(&mut self, row: usize, start: usize, slopes: &mut [f32]) {
        let point = self.first + row;
        match self.slopes {
            SumSlopes::Product(from) => {
                let from = &from[point * self.width + start..][..slopes.len()];
                slopes.iter_mut().zip(from).for_each(|(slope, from)| *slope = from.wide());
            }
            SumSlopes::Output(values, weight) => {
                let value = values[point];
                slopes.iter_mut().zip(&weight[start..]).for_each(|(slope, weight)| *slope = value * weight);
            }
        }
        let derivatives = &mut self.derivatives[row * self.width + start..][..slopes.len()];
        slopes.iter_mut().zip(&*derivatives).for_each(|(slope, derivative)| *slope *= derivative.wide());
        derivatives.iter_mut().zip(&*slopes).for_each(|(to, &slope)| *to = T::narrow(slope));
    }

    /// Adds the gradients of a group of points to the sums.
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

/// A linear output neuron: bias + Σ weight · neuron, `[points]`, for neurons `[points, neurons]`.
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
                sums.iter_mut()
                    .zip(neurons.iter().zip(weight))
                    .for_each(|(sum, (neuron, weight))| *sum += neuron.wide() * weight);
            }
            *value += simd.sum(simd.load(&sums));
        }
    }
}

/// The gradient with respect to the output neuron's weights: Σ slope · neuron over the points, `[neurons]`.
#[must_use]
pub fn weighted<T: Stored>(neurons: &[T], slopes: &[f32], width: usize) -> Vec<f32> {
    let mut parts = vec![0.0; slopes.len().div_ceil(TILE) * width];
    parts.par_chunks_mut(width).zip(neurons.par_chunks(TILE * width)).zip(slopes.par_chunks(TILE)).for_each(
        |((sums, neurons), slopes)| {
            simd::dispatch(simd::level(), Weigh { sums, neurons, slopes });
        },
    );
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
    fn bfloat16_is_rounded_to_the_nearest() {
        let cases = [(1.0f32, 1.0f32), (1.003_9, 1.0), (1.003_906_3, 1.007_812_5), (-2.5, -2.5)];
        for (value, expected) in cases {
            assert_eq!(u16::narrow(value).wide(), expected, "{value}");
        }
    }
}
