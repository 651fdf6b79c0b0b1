//! Values and gradients of a network by hand-written kernels: a single kernel for a small network, matrix products with
//! kernels between them for any other.

use super::Mlp;
use crate::error::Result;
use crate::fields::dense::Dense;
use crate::fields::kernels::perceptron::{self, Perceptron};
use crate::fields::kernels::pointwise::Pointwise;
use crate::fields::{OutputGradient, Parameter, Precision, fused};
use crate::tensors::cuda::Card;
use crate::tensors::{from_slice, lend, torch_error};
use tch::{Device, Tensor};

/// Largest number of neurons per layer for the single kernel, whose tiles must fit the cache.
const WIDEST: usize = 128;

/// A network that the kernels can evaluate.
pub(super) enum Network<'a> {
    /// By a single kernel.
    Small(Perceptron<'a>, &'a [Parameter]),
    /// By matrix products.
    Dense(Dense<'a>),
}

impl Network<'_> {
    /// The output neuron's sums `[n]`.
    pub(super) fn evaluate(&self, encoded: &Tensor) -> Result<Tensor> {
        match self {
            Self::Small(network, _) => {
                from_slice(&network.forward(lend(encoded)?).0, &[encoded.size()[0] as usize], Device::Cpu)
            }
            Self::Dense(network) => network.evaluate(encoded),
        }
    }

    /// Evaluates the sums, passes them to `slopes`, which returns the gradient with respect to them, and adds the
    /// gradients of the layers to their `.grad`. If `ask` is set, returns the gradient with respect to the encoded
    /// points.
    fn accumulate(&self, encoded: &Tensor, slopes: &mut OutputGradient<'_>, ask: bool) -> Result<Option<Tensor>> {
        match self {
            Self::Small(network, parameters) => {
                let (sums, kept) = network.forward(lend(encoded)?);
                let slopes = slopes(&from_slice(&sums, &[sums.len()], Device::Cpu)?)?;
                let gradients = network.backward(&kept, lend(&slopes)?);
                let mut rest = &gradients.layers[..];
                for parameter in *parameters {
                    let (part, below) = rest.split_at(parameter.value.numel());
                    fused::add(parameter, part)?;
                    rest = below;
                }
                let shape: Vec<usize> = encoded.size().iter().map(|&n| n as usize).collect();
                ask.then(|| from_slice(&gradients.features, &shape, Device::Cpu)).transpose()
            }
            Self::Dense(network) => {
                let (sums, kept) = network.forward(encoded)?;
                network.backward(encoded, kept, &slopes(&sums)?.contiguous(), ask)
            }
        }
    }
}

/// A layer of the single kernel, from its weight and bias.
fn layer(pair: &[Parameter]) -> Result<perceptron::Dense<'_>> {
    let [outputs, inputs] = [0, 1].map(|k| pair[0].value.size()[k] as usize);
    Ok(perceptron::Dense { inputs, outputs, weight: lend(&pair[0].value)?, bias: lend(&pair[1].value)? })
}

impl Mlp {
    /// The encoded points; if they are interpolated from a table, by the kernels and without gradients.
    pub(super) fn encode(&self, points: &Tensor) -> Result<Tensor> {
        match self.encoder.table() {
            Some((levels, table)) if fused::applies(points) => fused::gather(levels, table, points),
            _ => self.encoder.encode(points).map_err(torch_error),
        }
    }

    /// The layers in the form that the kernels take; `None` if the kernels cannot evaluate them.
    pub(super) fn network(&self, encoded: &Tensor) -> Result<Option<Network<'_>>> {
        let Some(pointwise) = self.config.activation.kind.as_part().pointwise() else { return Ok(None) };
        if !(self.config.skip.is_empty() && fused::applies(encoded) && encoded.is_contiguous()) {
            return Ok(None);
        }
        // On a GPU only the sine activation has a kernel; libtorch computes the others.
        if Card::of(encoded.device())?.is_some() && !matches!(pointwise, Pointwise::Sine { .. }) {
            return Ok(None);
        }
        let (parameters, precision) = (&self.parameters[self.first..], self.config.precision);
        let narrow = self.config.width <= WIDEST && encoded.size()[1] as usize <= WIDEST;
        match pointwise {
            Pointwise::Rectifier { slope } if narrow && precision == Precision::F32 => {
                let layers = parameters.chunks(2).map(layer).collect::<Result<_>>()?;
                Ok(Some(Network::Small(Perceptron { layers, slope }, parameters)))
            }
            _ => Ok(Some(Network::Dense(Dense { parameters, pointwise, precision }))),
        }
    }

    /// Adds the gradients of the layers to their `.grad`; `slopes` receives the attenuation, after the output function.
    /// If `ask` is set, returns the gradient with respect to the encoded points.
    pub(super) fn through_network(
        &self,
        encoded: &Tensor,
        slopes: &mut OutputGradient<'_>,
        ask: bool,
    ) -> Result<Option<Tensor>> {
        let leaf = |tensor: &Tensor| tensor.detach().set_requires_grad(true);
        let back = |sum: &Tensor, slopes: &Tensor| {
            sum.f_mul(slopes).and_then(|s| s.f_sum(s.kind())?.f_backward()).map_err(torch_error)
        };
        let Some(network) = self.network(encoded)? else {
            let encoded = leaf(encoded);
            let values = self.sums(&encoded).and_then(|sums| self.finish(&sums)).map_err(torch_error)?;
            back(&values, &slopes(&values.detach())?)?;
            return Ok(ask.then(|| encoded.grad()));
        };
        let mut through_output = |sums: &Tensor| {
            let sums = leaf(sums);
            let values = self.finish(&sums).map_err(torch_error)?;
            back(&values, &slopes(&values.detach())?)?;
            Ok(sums.grad())
        };
        network.accumulate(encoded, &mut through_output, ask)
    }
}
