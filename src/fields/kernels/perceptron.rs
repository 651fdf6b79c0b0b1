//! A small perceptron with (leaky) rectifiers, h ← max(z, slope · z) with z = W h + b, whose last layer is linear with
//! one output: values and gradients of many points, computed in tiles that fit the cache. As in the fully fused
//! networks of Müller et al., "Real-time Neural Radiance Caching for Path Tracing", ACM TOG 40(4), 2021, but for the
//! CPU's vector units: a vector holds sixteen points.
//!
//! A tile is `[neuron, 256 points]`. Tiles are distributed over the threads; their contributions to the weights'
//! gradient are added in the order of the tiles.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]
#![allow(clippy::needless_range_loop, reason = "the numbers of rows, neurons and lanes index several arrays")]

use crate::operators::xray::kernels::simd::{self, Kernel, LANES, Simd, sixteen, sixteen_mut};
use rayon::prelude::*;

/// Number of points per tile.
const TILE: usize = 256;
/// Number of vectors of points, and number of neurons, that are multiplied in registers at a time.
const BLOCK: usize = 4;

/// One fully connected layer.
#[derive(Debug, Clone, Copy)]
pub struct Dense<'a> {
    /// Number of input neurons.
    pub inputs: usize,
    /// Number of output neurons.
    pub outputs: usize,
    /// `[outputs, inputs]`.
    pub weight: &'a [f32],
    /// `[outputs]`.
    pub bias: &'a [f32],
}

/// A network with its weights.
#[derive(Debug, Clone)]
pub struct Perceptron<'a> {
    /// The layers; the last has one output.
    pub layers: Vec<Dense<'a>>,
    /// Slope of the rectifiers for negative sums; 0 for ReLU.
    pub slope: f32,
}

/// The intermediate results of [`Perceptron::forward`] that [`Perceptron::backward`] needs.
#[derive(Debug)]
pub struct ForwardState {
    count: usize,
    /// `[tile, neuron, point]`, with the neurons of all layers: the inputs, then each hidden layer.
    tiles: Vec<f32>,
}

/// Gradients of a weighted sum of the network's values.
#[derive(Debug)]
pub struct Gradients {
    /// With respect to the weights and biases, layer by layer: weight `[outputs, inputs]`, bias `[outputs]`.
    pub layers: Vec<f32>,
    /// With respect to the features `[n, inputs]`.
    pub features: Vec<f32>,
}

impl Perceptron<'_> {
    fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of neurons stored per point: the features and the outputs of all hidden layers.
    fn neurons(&self) -> usize {
        self.layers.iter().map(|layer| layer.inputs).sum()
    }

    /// Number of weights and biases.
    fn numbers(&self) -> usize {
        self.layers.iter().map(|layer| layer.outputs * (layer.inputs + 1)).sum()
    }

    /// Values `[n]` for the features `[n, inputs]`, and the state for the backward pass.
    #[must_use]
    pub fn forward(&self, features: &[f32]) -> (Vec<f32>, ForwardState) {
        let (inputs, size) = (self.inputs(), self.neurons() * TILE);
        let count = features.len() / inputs;
        let tiles = count.div_ceil(TILE);
        let mut kept = ForwardState { count, tiles: vec![0.0; tiles * size] };
        let mut values = vec![0.0; tiles * TILE];
        let parts =
            kept.tiles.par_chunks_mut(size).zip(values.par_chunks_mut(TILE)).zip(features.par_chunks(TILE * inputs));
        parts.for_each(|((tile, values), features)| {
            transpose(features, inputs, tile);
            simd::dispatch(simd::level(), Forward { network: self, tile, values });
        });
        values.truncate(count);
        (values, kept)
    }

    /// Gradient of Σ slopes · values, for slopes `[n]`.
    #[must_use]
    pub fn backward(&self, kept: &ForwardState, slopes: &[f32]) -> Gradients {
        let (inputs, size, numbers) = (self.inputs(), self.neurons() * TILE, self.numbers());
        let mut parts = vec![0.0; kept.tiles.len() / size.max(1) * numbers];
        let mut features = vec![0.0; kept.count * inputs];
        let tiles = kept.tiles.par_chunks(size).zip(parts.par_chunks_mut(numbers));
        tiles.zip(slopes.par_chunks(TILE)).zip(features.par_chunks_mut(TILE * inputs)).for_each(
            |(((tile, layers), slopes), features)| {
                simd::dispatch(simd::level(), Backward { network: self, tile, slopes, layers, features });
            },
        );
        let mut layers = vec![0.0; numbers];
        for part in parts.chunks(numbers) {
            layers.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
        Gradients { layers, features }
    }
}

/// Transposes the features `[points, inputs]` of at most one tile to `[inputs, 256]`; missing points stay zero.
fn transpose(features: &[f32], inputs: usize, tile: &mut [f32]) {
    for (point, row) in features.chunks(inputs).enumerate() {
        row.iter().enumerate().for_each(|(neuron, &value)| tile[neuron * TILE + point] = value);
    }
}

/// Computes a tile's hidden neurons and values from its features.
struct Forward<'a, 'b> {
    network: &'a Perceptron<'b>,
    tile: &'a mut [f32],
    values: &'a mut [f32],
}

impl Kernel for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut rest = self.tile;
        for (number, layer) in self.network.layers.iter().enumerate() {
            let (h, below) = rest.split_at_mut(layer.inputs * TILE);
            let product = Product { weight: layer.weight, row: layer.inputs, column: 1, terms: layer.inputs, h };
            if number + 1 == self.network.layers.len() {
                product.run(simd, layer.outputs, self.values, |row, sum| simd.add(sum, simd.splat(layer.bias[row])));
                return;
            }
            let slope = simd.splat(self.network.slope);
            let out = &mut below[..layer.outputs * TILE];
            product.run(simd, layer.outputs, out, |row, sum| {
                let z = simd.add(sum, simd.splat(layer.bias[row]));
                simd.max(z, simd.mul(z, slope))
            });
            rest = below;
        }
    }
}

/// out[r] = finish(r, Σ_c weight[row · r + column · c] h[c]) for the points of a tile.
struct Product<'a> {
    weight: &'a [f32],
    row: usize,
    column: usize,
    terms: usize,
    h: &'a [f32],
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, rows: usize, out: &mut [f32], finish: impl Fn(usize, S::F) -> S::F) {
        for first in (0..rows).step_by(BLOCK) {
            if first + BLOCK <= rows {
                self.rows::<S, BLOCK>(simd, first, out, &finish);
            } else {
                (first..rows).for_each(|row| self.rows::<S, 1>(simd, row, out, &finish));
            }
        }
    }

    /// Computes `ROWS` rows of the result.
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize>(
        &self,
        simd: S,
        first: usize,
        out: &mut [f32],
        finish: &impl Fn(usize, S::F) -> S::F,
    ) {
        for point in (0..TILE).step_by(BLOCK * LANES) {
            let mut sums = [[simd.splat(0.0); BLOCK]; ROWS];
            for term in 0..self.terms {
                let h = &self.h[term * TILE + point..][..BLOCK * LANES];
                let mut lanes = [simd.splat(0.0); BLOCK];
                for k in 0..BLOCK {
                    lanes[k] = simd.load(sixteen(h, k * LANES));
                }
                for r in 0..ROWS {
                    let weight = simd.splat(self.weight[(first + r) * self.row + term * self.column]);
                    for k in 0..BLOCK {
                        sums[r][k] = simd.mul_add(weight, lanes[k], sums[r][k]);
                    }
                }
            }
            for r in 0..ROWS {
                for k in 0..BLOCK {
                    simd.store(finish(first + r, sums[r][k]), sixteen_mut(out, (first + r) * TILE + point + k * LANES));
                }
            }
        }
    }
}

/// Computes a tile's contribution to the gradients.
struct Backward<'a, 'b> {
    network: &'a Perceptron<'b>,
    tile: &'a [f32],
    slopes: &'a [f32],
    layers: &'a mut [f32],
    features: &'a mut [f32],
}

impl Kernel for Backward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut dz = vec![0.0; TILE];
        dz[..self.slopes.len()].copy_from_slice(self.slopes);
        let (mut tile, mut parts) = (self.tile, self.layers);
        for (number, layer) in self.network.layers.iter().enumerate().rev() {
            let (above, h) = tile.split_at(tile.len() - layer.inputs * TILE);
            let (earlier, part) = parts.split_at_mut(parts.len() - layer.outputs * (layer.inputs + 1));
            let (weight, bias) = part.split_at_mut(layer.outputs * layer.inputs);
            outer(simd, &dz, h, layer.inputs, weight);
            bias.iter_mut().zip(dz.chunks(TILE)).for_each(|(sum, dz)| *sum = total(simd, dz));
            let product = Product { weight: layer.weight, row: 1, column: layer.inputs, terms: layer.outputs, h: &dz };
            let mut dh = vec![0.0; layer.inputs * TILE];
            product.run(simd, layer.inputs, &mut dh, |_, sum| sum);
            if number > 0 {
                let slope = self.network.slope;
                dh.iter_mut().zip(h).for_each(|(d, &h)| *d *= if h > 0.0 { 1.0 } else { slope });
            }
            (dz, tile, parts) = (dh, above, earlier);
        }
        let inputs = self.network.inputs();
        for (point, row) in self.features.chunks_mut(inputs).enumerate() {
            row.iter_mut().enumerate().for_each(|(neuron, value)| *value = dz[neuron * TILE + point]);
        }
    }
}

/// out[r, c] = Σ over the points of dz[r] h[c].
#[inline(always)]
fn outer<S: Simd>(simd: S, dz: &[f32], h: &[f32], columns: usize, out: &mut [f32]) {
    let rows = dz.len() / TILE;
    for row in (0..rows).step_by(BLOCK) {
        for column in (0..columns).step_by(BLOCK) {
            if row + BLOCK <= rows && column + BLOCK <= columns {
                square::<S, BLOCK>(simd, dz, h, (row, column), columns, out);
                continue;
            }
            for r in row..rows.min(row + BLOCK) {
                (column..columns.min(column + BLOCK)).for_each(|c| square::<S, 1>(simd, dz, h, (r, c), columns, out));
            }
        }
    }
}

#[inline(always)]
fn square<S: Simd, const SIDE: usize>(
    simd: S,
    dz: &[f32],
    h: &[f32],
    at: (usize, usize),
    columns: usize,
    out: &mut [f32],
) {
    let (dz, h) = (&dz[at.0 * TILE..][..SIDE * TILE], &h[at.1 * TILE..][..SIDE * TILE]);
    let mut sums = [[simd.splat(0.0); SIDE]; SIDE];
    for point in (0..TILE).step_by(LANES) {
        let mut lanes = [simd.splat(0.0); SIDE];
        for c in 0..SIDE {
            lanes[c] = simd.load(sixteen(h, c * TILE + point));
        }
        for r in 0..SIDE {
            let left = simd.load(sixteen(dz, r * TILE + point));
            for c in 0..SIDE {
                sums[r][c] = simd.mul_add(left, lanes[c], sums[r][c]);
            }
        }
    }
    for r in 0..SIDE {
        for c in 0..SIDE {
            out[(at.0 + r) * columns + at.1 + c] = simd.sum(sums[r][c]);
        }
    }
}

#[inline(always)]
fn total<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let mut sum = simd.splat(0.0);
    for point in (0..TILE).step_by(LANES) {
        sum = simd.add(sum, simd.load(sixteen(values, point)));
    }
    simd.sum(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_do_not_depend_on_threads_and_levels_agree() {
        let wave = |count: usize, step: f32| (0..count).map(|i| (i as f32 * step).sin()).collect::<Vec<f32>>();
        let shapes = [(5, 30), (30, 30), (30, 1)];
        let numbers: Vec<_> =
            shapes.iter().map(|&(inputs, outputs)| (wave(inputs * outputs, 0.7), wave(outputs, 0.3))).collect();
        let dense = shapes.iter().zip(&numbers);
        let layers =
            dense.map(|(&(inputs, outputs), (weight, bias))| Dense { inputs, outputs, weight, bias }).collect();
        let network = Perceptron { layers, slope: 0.1 };
        let (features, slopes) = (wave(5 * 700, 0.37), wave(700, 0.9));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (values, kept) = network.forward(&features);
                let gradients = network.backward(&kept, &slopes);
                (values, gradients.layers, gradients.features)
            })
        };
        assert_eq!(run(1), run(3));
    }
}
