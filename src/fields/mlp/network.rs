//! A network's values and gradients by the kernels: one kernel for a small one, products and passes between them for
//! any other.

use super::Mlp;
use crate::error::Result;
use crate::fields::dense::Dense;
use crate::fields::kernels::perceptron::{self, Perceptron};
use crate::fields::kernels::pointwise::Pointwise;
use crate::fields::{OutputGradient, Parameter, Precision, fused};
use crate::tensors::cuda::Card;
use crate::tensors::{from_slice, lend, torch_error};
use tch::{Device, Tensor};

/// Most neurons of a layer that the one kernel holds in the cache.
const WIDEST: usize = 128;

/// A network that the kernels know.
pub(super) enum Network<'a> {
    /// In one kernel.
    Small(Perceptron<'a>, &'a [Parameter]),
    /// By products.
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

    /// Given what makes slopes of the sums, adds the layers' gradients; gives the slopes of the encoded points, if
    /// asked.
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

/// A layer from its weight and bias.
fn layer(pair: &[Parameter]) -> Result<perceptron::Dense<'_>> {
    let [outputs, inputs] = [0, 1].map(|k| pair[0].value.size()[k] as usize);
    Ok(perceptron::Dense { inputs, outputs, weight: lend(&pair[0].value)?, bias: lend(&pair[1].value)? })
}

impl Mlp {
    /// The encoded points: by the kernels, without gradients, where they are interpolated from a table.
    pub(super) fn encode(&self, points: &Tensor) -> Result<Tensor> {
        match self.encoder.table() {
            Some((levels, table)) if fused::applies(points) => fused::gather(levels, table, points),
            _ => self.encoder.encode(points).map_err(torch_error),
        }
    }

    /// The layers as the kernels take them, if they know them.
    pub(super) fn network(&self, encoded: &Tensor) -> Result<Option<Network<'_>>> {
        let Some(pointwise) = self.config.activation.kind.as_part().pointwise() else { return Ok(None) };
        if !(self.config.skip.is_empty() && fused::applies(encoded) && encoded.is_contiguous()) {
            return Ok(None);
        }
        // Of a card's activations only the sine is fused; libtorch does the others.
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

    /// Adds the layers' gradients; gives the slopes of the encoded points, if asked.
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
