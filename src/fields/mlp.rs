//! A multilayer perceptron on an encoding of the point: h₀ = γ(v), hₗ₊₁ = φ(Wₗ hₗ + bₗ), output = scale · σ(w·h + b).
//!
//! Every encoding γ can be combined with every activation φ: hash grid + ReLU is Instant-NGP (Müller et al., ACM TOG
//! 2022) and, with leaky ReLU, a skip connection and a sigmoid, NAF (Zha et al., MICCAI 2022); Fourier features + ReLU
//! is Tancik et al., NeurIPS 2020; Fourier features + sine is NeRP (Shen et al., IEEE TNNLS 2022); identity + Gabor is
//! WIRE, identity + FINER is FINER. After a grid encoding a small network (2 × 64) suffices; after waves it must be
//! wide. Plain coordinates with ReLU learn only a blurred volume: this is allowed as a baseline for comparisons. Tables
//! and examples: docs/fields.md.

mod network;

use super::activations::{ActivationKind, LayerPosition, relu};
use super::dense::FEW;
use super::encodings::{Built, Encoder, EncodingKind, hash_grid};
use super::layers::{Layer, linear};
use super::{Architecture, Cost, Domain, Field, OutputGradient, Parameter, Precision, Role, fused};
use crate::error::{Error, Result};
use crate::registry::{Kinds, OneOf};
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// Function σ of the output layer's sum z = w·h + b.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// σ(z) = z.
    #[default]
    Linear,
    /// σ(z) = ln(1 + e^z): always positive.
    Softplus,
    /// σ(z) = max(z, 0). Points whose sum is negative have no gradient, so they do not learn.
    Relu,
    /// σ(z) = 1 / (1 + e^−z): the output lies between 0 and `output_scale`.
    Sigmoid,
}

/// Components and size of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Encoding of the point's coordinates: the network's input.
    pub encoding: Box<OneOf<EncodingKind>>,
    /// Activation function of the hidden neurons.
    pub activation: Box<OneOf<ActivationKind>>,
    /// Number of neurons in each hidden layer, 1 to 4096.
    pub width: usize,
    /// Number of hidden layers, 1 to 32; the linear output layer is not counted.
    pub depth: usize,
    /// Hidden layers, counted from 0, that take the encoded point as additional input (the skip connections of NeRF); 1
    /// to `depth` − 1. Empty: none.
    pub skip: Vec<usize>,
    /// Function of the output layer's sum.
    pub output: Output,
    /// Factor on the output: attenuation in units of mu_ref at an output of 1. With `sigmoid` the largest possible
    /// attenuation.
    pub output_scale: f64,
    /// Precision of the matrix products with hidden neurons, and with encodings of more than four numbers.
    pub precision: Precision,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            encoding: Box::new(EncodingKind::HashGrid(hash_grid::Config::default()).into()),
            activation: Box::new(ActivationKind::Relu(relu::Config::default()).into()),
            width: 64,
            depth: 2,
            skip: Vec::new(),
            output: Output::Linear,
            output_scale: 1.0,
            precision: Precision::F32,
        }
    }
}

/// A network with its weights. Parameters: `encoding.*`, then `layers.N.weight` `[out, in]` and `layers.N.bias`
/// `[out]`; the input of a layer with a skip connection is the hidden neurons, then the encoded point.
#[derive(Debug)]
pub struct Mlp {
    config: Config,
    encoder: Box<dyn Encoder>,
    parameters: Vec<Parameter>,
    /// Number of parameter tensors that belong to the encoding; they come first.
    first: usize,
}

impl Config {
    /// Shapes and initialisation bounds of all layers; the last one is the output layer.
    fn layers(&self, inputs: usize) -> Vec<Layer> {
        let encoding = self.encoding.kind.as_part();
        let (encoded, fixed) = (encoding.width(inputs), encoding.trainable(inputs) == 0);
        let layer = |number: usize| {
            let place = match number {
                0 => LayerPosition::First,
                n if n == self.depth => LayerPosition::Last,
                _ => LayerPosition::Hidden,
            };
            let skipped = if self.skip.contains(&number) { encoded } else { 0 };
            let inputs = if number == 0 { encoded } else { self.width + skipped };
            let bounds = self.activation.kind.as_part().bounds(place, inputs);
            // The matrix after a wide fixed encoding acts like that of a hidden layer: stepping it by Muon gains half a
            // dB (docs/benchmarks/fields.md).
            let hidden = place == LayerPosition::Hidden || place == LayerPosition::First && fixed && encoded > FEW;
            let role = if hidden { Role::Hidden } else { Role::Other };
            Layer {
                inputs,
                outputs: if number == self.depth { 1 } else { self.width },
                weight: bounds.weight,
                bias: bounds.bias,
                role,
            }
        };
        (0..=self.depth).map(layer).collect()
    }
}

impl Architecture for Config {
    fn check(&self, domain: &Domain) -> Result<()> {
        let encoding = &self.encoding.kind;
        encoding.named(encoding.as_part().check(domain.inputs)).map_err(|error| error.under("encoding"))?;
        let activation = &self.activation.kind;
        activation.named(activation.as_part().check()).map_err(|error| error.under("activation"))?;
        require::within("width", self.width, 1..=4096)?;
        require::within("depth", self.depth, 1..=32)?;
        if self.skip.iter().any(|layer| !(1..self.depth).contains(layer)) {
            let problem =
                format!("expected hidden layers from 1 to depth − 1 = {}, got {:?}", self.depth - 1, self.skip);
            return Err(Error::config("skip", problem));
        }
        require::positive("output_scale", self.output_scale)
    }

    fn cost(&self, domain: &Domain) -> Cost {
        let encoding = self.encoding.kind.as_part();
        let layers = self.layers(domain.inputs);
        let products: usize = layers.iter().map(|layer| layer.inputs * layer.outputs).sum();
        let biases: usize = layers.iter().map(|layer| layer.outputs).sum();
        let (encoded, reads) = (encoding.width(domain.inputs), encoding.reads(domain.inputs));
        Cost {
            // Reading a table entry and scattering its gradient take about as long as ten multiplications.
            operations: 6.0 * products as f64 * self.precision.relative_cost() + (20 * (reads + encoded)) as f64,
            bytes: (16 * self.width * self.depth + 16 * encoded + 8 * reads) as u64,
            parameters: (products + biases + encoding.trainable(domain.inputs)) as u64,
        }
    }

    fn build(&self, domain: &Domain, seed: u64, options: (Kind, Device)) -> Result<Box<dyn Field>> {
        self.check(domain)?;
        let Built { encoder, mut parameters } = self.encoding.kind.as_part().build(domain.inputs, seed, options)?;
        for parameter in &mut parameters {
            parameter.name.insert_str(0, "encoding.");
        }
        let first = parameters.len();
        for (number, layer) in self.layers(domain.inputs).iter().enumerate() {
            parameters.extend(layer.parameters(number, (seed, "mlp"), options)?);
        }
        Ok(Box::new(Mlp { config: self.clone(), encoder, parameters, first }))
    }
}

impl Mlp {
    /// Weight and bias of a layer.
    fn layer(&self, number: usize) -> [&Parameter; 2] {
        [0, 1].map(|k| &self.parameters[self.first + 2 * number + k])
    }

    /// The output layer's sums `[n]` for the encoded points `[n, width]`.
    fn sums(&self, encoded: &Tensor) -> std::result::Result<Tensor, TchError> {
        let activation = self.config.activation.kind.as_part();
        let mut h = encoded.shallow_clone();
        for number in 0..=self.config.depth {
            if self.config.skip.contains(&number) {
                h = Tensor::f_cat(&[h, encoded.shallow_clone()], 1)?;
            }
            let [weight, bias] = self.layer(number);
            let exact = number == self.config.depth || number == 0 && encoded.size()[1] as usize <= FEW;
            let precision = if exact { Precision::F32 } else { self.config.precision };
            h = linear(&h, &weight.value, &bias.value, precision)?;
            if number < self.config.depth {
                h = activation.apply(&h)?;
            }
        }
        h.f_squeeze_dim(1)
    }

    /// Attenuation / mu_ref from the output layer's sums.
    fn finish(&self, sums: &Tensor) -> std::result::Result<Tensor, TchError> {
        self.config.output.apply(sums)?.f_mul_scalar(self.config.output_scale)
    }
}

impl Output {
    fn apply(self, sum: &Tensor) -> std::result::Result<Tensor, TchError> {
        match self {
            Self::Linear => Ok(sum.shallow_clone()),
            Self::Softplus => sum.f_softplus(),
            Self::Relu => sum.f_relu(),
            Self::Sigmoid => sum.f_sigmoid(),
        }
    }
}

impl Field for Mlp {
    fn attenuation(&self, points: &Tensor) -> Result<Tensor> {
        self.encoder.encode(points).and_then(|encoded| self.finish(&self.sums(&encoded)?)).map_err(torch_error)
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn evaluate(&self, points: &Tensor) -> Result<Tensor> {
        tch::no_grad(|| {
            let encoded = self.encode(points)?;
            let sums = match self.network(&encoded)? {
                Some(network) => network.evaluate(&encoded)?,
                None => self.sums(&encoded).map_err(torch_error)?,
            };
            self.finish(&sums).map_err(torch_error)
        })
    }

    fn accumulate(&self, points: &Tensor, slopes: &mut OutputGradient<'_>) -> Result<()> {
        let encoded = self.encode(points)?;
        let table = self.encoder.table().filter(|_| fused::applies(points));
        let ask = table.is_some() || encoded.requires_grad();
        let inner = self.through_network(&encoded.detach(), slopes, ask)?;
        match (table, inner) {
            (Some((levels, table)), Some(inner)) => fused::scatter(levels, table, points, &inner),
            (None, Some(inner)) => {
                encoded.f_mul(&inner).and_then(|e| e.f_sum(e.kind())?.f_backward()).map_err(torch_error)
            }
            (_, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
