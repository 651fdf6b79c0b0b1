//! Networks of sine layers on a GPU: the matrix products are libtorch's, the activations are computed by our kernels.
//! As [`Dense`](crate::fields::dense) on the CPU; phases are f32 whatever the precision of the products.

use super::SINE;
use crate::error::Result;
use crate::fields::{Parameter, Precision, fused};
use crate::tensors::cuda::{Argument, Card, Kernel};
use crate::tensors::torch_error;
use std::sync::Arc;
use tch::{Kind, TchError, Tensor};

const FORWARD: Kernel = Kernel { source: &SINE, name: "sine_forward" };
const FORWARD_HALF: Kernel = Kernel { source: &SINE, name: "sine_forward_half" };
const BACKWARD: Kernel = Kernel { source: &SINE, name: "sine_backward" };
const BACKWARD_HALF: Kernel = Kernel { source: &SINE, name: "sine_backward_half" };

/// Hidden sine layers of equal width and a linear output neuron.
pub(in crate::fields) struct SineLayers<'a> {
    pub(in crate::fields) card: Arc<Card>,
    /// Weight `[outputs, inputs]` and bias `[outputs]` of each layer, in this order.
    pub(in crate::fields) parameters: &'a [Parameter],
    pub(in crate::fields) omega: f32,
    /// Precision of the products between hidden layers.
    pub(in crate::fields) precision: Precision,
}

/// The input of each layer `[points, inputs]`, and the derivative of each hidden layer's activation `[points, width]`.
type Kept = (Vec<Tensor>, Vec<Tensor>);

impl SineLayers<'_> {
    /// The output neuron's value `[points]` for the inputs `[points, n]`; with `keep` also what the backward pass
    /// needs.
    ///
    /// # Errors
    /// When memory runs out; failures of the driver.
    pub(in crate::fields) fn forward(&self, inputs: &Tensor, keep: bool) -> Result<(Tensor, Kept)> {
        let (mut neurons, mut derivatives) = (vec![inputs.shallow_clone()], Vec::new());
        for number in 0..self.depth() {
            let below = &neurons[neurons.len() - 1];
            let product = self.kind(number, below);
            let z = tch::no_grad(|| below.f_matmul(&self.weight(number, product)?.f_transpose(0, 1)?));
            let z = z.map_err(torch_error)?;
            let slopes = if keep { z.f_empty_like().map_err(torch_error)? } else { z.shallow_clone() };
            self.epilogue(number, &z, &slopes, keep)?;
            let next = |tensor: Tensor| tensor.f_to_kind(self.stored()).map_err(torch_error);
            if keep {
                derivatives.push(next(slopes)?);
            } else {
                neurons.clear();
            }
            neurons.push(next(z)?);
        }
        let last = &neurons[neurons.len() - 1];
        let [weight, bias] = [0, 1].map(|k| self.parameters[2 * self.depth() + k].value.detach());
        let values =
            || last.f_to_kind(Kind::Float)?.f_matmul(&weight.f_transpose(0, 1)?)?.f_add(&bias)?.f_squeeze_dim(1);
        Ok((values().map_err(torch_error)?, (neurons, derivatives)))
    }

    /// Adds the gradient of Σ slopes · output with respect to the parameters to their `.grad`. If `ask` is set, returns
    /// the gradient with respect to the inputs.
    ///
    /// # Errors
    /// When memory runs out; failures of the driver.
    pub(in crate::fields) fn backward(&self, kept: Kept, slopes: &Tensor, ask: bool) -> Result<Option<Tensor>> {
        let ((mut neurons, derivatives), depth) = (kept, self.depth());
        let last = neurons.pop().expect("the forward pass keeps the neurons of every layer");
        let mut above = tch::no_grad(|| self.output_gradient(&last, slopes)).map_err(torch_error)?;
        for number in (0..depth).rev() {
            let (derivative, below) = (&derivatives[number], &neurons[number]);
            let kernel = if derivative.kind() == Kind::BFloat16 { &BACKWARD_HALF } else { &BACKWARD };
            let device = self.card.device();
            let arguments = [
                Argument::whole(derivative.numel()),
                Argument::memory(&above.contiguous(), device)?,
                Argument::memory(derivative, device)?,
            ];
            self.card.launch(kernel, derivative.numel(), &arguments)?;
            let more = number > 0 || ask;
            let next = tch::no_grad(|| self.layer_gradient(number, derivative, below, more));
            let Some(next) = next.map_err(torch_error)? else { return Ok(None) };
            above = next;
        }
        Ok(Some(above))
    }

    fn depth(&self) -> usize {
        self.parameters.len() / 2 - 1
    }

    fn stored(&self) -> Kind {
        if self.precision == Precision::Bf16 { Kind::BFloat16 } else { Kind::Float }
    }

    /// Precision of a layer's product: plain coordinates are not rounded.
    fn kind(&self, number: usize, below: &Tensor) -> Kind {
        if number == 0 { below.kind() } else { self.stored() }
    }

    fn weight(&self, number: usize, kind: Kind) -> std::result::Result<Tensor, TchError> {
        self.parameters[2 * number].value.f_detach()?.f_to_kind(kind)
    }

    fn epilogue(&self, number: usize, z: &Tensor, slopes: &Tensor, keep: bool) -> Result<()> {
        let device = self.card.device();
        let kernel = if z.kind() == Kind::BFloat16 { &FORWARD_HALF } else { &FORWARD };
        let arguments = [
            Argument::whole(z.numel()),
            Argument::whole(z.size()[1] as usize),
            Argument::float(self.omega),
            Argument::memory(&self.parameters[2 * number + 1].value, device)?,
            Argument::memory(z, device)?,
            Argument::memory(slopes, device)?,
            Argument::whole(usize::from(keep)),
        ];
        self.card.launch(kernel, z.numel(), &arguments)
    }

    /// Adds the output neuron's gradients to its parameters; returns the gradient with respect to the last hidden
    /// neurons.
    fn output_gradient(&self, last: &Tensor, slopes: &Tensor) -> std::result::Result<Tensor, TchError> {
        let [weight, bias] = [0, 1].map(|k| &self.parameters[2 * self.depth() + k].value);
        let row = slopes.f_view([1, -1])?;
        let _ = fused::gradient(weight)?.f_add_(&row.f_matmul(&last.f_to_kind(Kind::Float)?)?)?;
        let _ = fused::gradient(bias)?.f_add_(&slopes.f_sum(Kind::Float)?)?;
        row.f_transpose(0, 1)?.f_mul(&weight.f_detach()?)?.f_to_kind(last.kind())
    }

    /// Adds a hidden layer's gradients, given the gradient with respect to its sums; if `ask` is set, returns the
    /// gradient with respect to the layer's inputs.
    fn layer_gradient(
        &self,
        number: usize,
        sums: &Tensor,
        below: &Tensor,
        ask: bool,
    ) -> std::result::Result<Option<Tensor>, TchError> {
        let [weight, bias] = [0, 1].map(|k| &self.parameters[2 * number + k].value);
        let _ = fused::gradient(bias)?.f_add_(&sums.f_sum_dim_intlist([0i64].as_slice(), false, Kind::Float)?)?;
        let kind = self.kind(number, below);
        let slopes = sums.f_to_kind(kind)?;
        let product = slopes.f_transpose(0, 1)?.f_matmul(below)?.f_to_kind(Kind::Float)?;
        let _ = fused::gradient(weight)?.f_add_(&product)?;
        if ask { Ok(Some(slopes.f_matmul(&self.weight(number, kind)?)?)) } else { Ok(None) }
    }
}
