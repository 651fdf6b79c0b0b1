//! Values and gradients of fully connected layers: the matrix products are libtorch's, the activations between two of
//! them are computed by one pass of the CPU kernels over the neurons. On a GPU only sine layers are supported
//! ([`super::device`]). The gradients are derived by hand: with zₖ = Wₖ hₖ + bₖ, hₖ₊₁ = φ(zₖ) and dₖ = ∂L/∂zₖ = φ'(zₖ)
//! · Wₖ₊₁ᵀ dₖ₊₁ they are ∂L/∂Wₖ = Σ dₖ hₖᵀ and ∂L/∂bₖ = Σ dₖ, summed over the points. With bf16 products hₖ, φ'(zₖ) and
//! dₖ are stored as bfloat16; the sums are f32.

use super::device::SineLayers;
use super::kernels::neurons::{self, First, Stored};
use super::kernels::pointwise::Pointwise;
use super::{Parameter, Precision, fused};
use crate::error::Result;
use crate::tensors::cuda::Card;
use crate::tensors::{self, Element, from_slice, lend, lend_mut, to_vec, torch_error};
use tch::{Device, Kind, Tensor};

/// Largest number of inputs per point for which the kernels multiply by the first layer's weights themselves, in f32.
pub(super) const FEW: usize = 4;

/// Hidden layers of equal width and a linear output neuron.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dense<'a> {
    /// Weight `[outputs, inputs]` and bias `[outputs]` of each layer, in this order.
    pub(super) parameters: &'a [Parameter],
    /// The activation function φ.
    pub(super) pointwise: Pointwise,
    /// Precision of the matrix products.
    pub(super) precision: Precision,
}

/// The intermediate results of [`Dense::forward`] that [`Dense::backward`] needs.
#[derive(Debug)]
pub(super) struct ForwardState {
    /// hₖ `[points, width]` in the precision of the products: h₀ (only if it has more than [`FEW`] columns; on a GPU
    /// always), then the output of each hidden layer.
    neurons: Vec<Tensor>,
    /// φ'(zₖ) of each hidden layer; empty if no backward pass follows.
    derivatives: Vec<Tensor>,
}

impl Dense<'_> {
    /// The output neuron's value `[points]` for the inputs `[points, n]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub(super) fn evaluate(&self, inputs: &Tensor) -> Result<Tensor> {
        Ok(self.pass(inputs, false)?.0)
    }

    /// As [`Dense::evaluate`]; also returns the state for the backward pass.
    ///
    /// # Errors
    /// When memory runs out.
    pub(super) fn forward(&self, inputs: &Tensor) -> Result<(Tensor, ForwardState)> {
        self.pass(inputs, true)
    }

    /// Adds the gradient of Σ slopes · output with respect to the parameters to their `.grad`. If `ask` is set, returns
    /// the gradient with respect to the inputs `[points, n]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub(super) fn backward(
        &self,
        inputs: &Tensor,
        kept: ForwardState,
        slopes: &Tensor,
        ask: bool,
    ) -> Result<Option<Tensor>> {
        if let Some(layers) = self.on_card(inputs.device())? {
            return layers.backward((kept.neurons, kept.derivatives), slopes, ask);
        }
        let slopes = lend(slopes)?;
        tch::no_grad(|| match self.precision {
            Precision::F32 => self.back::<f32>(inputs, kept, slopes, ask),
            Precision::Bf16 => self.back::<u16>(inputs, kept, slopes, ask),
        })
    }

    /// The layers for the GPU's kernels, if the inputs are on a GPU and the activation is a sine.
    fn on_card(&self, device: Device) -> Result<Option<SineLayers<'_>>> {
        let (Some(card), Pointwise::Sine { omega }) = (Card::of(device)?, self.pointwise) else { return Ok(None) };
        Ok(Some(SineLayers { card, parameters: self.parameters, omega, precision: self.precision }))
    }

    fn pass(&self, inputs: &Tensor, keep: bool) -> Result<(Tensor, ForwardState)> {
        if let Some(layers) = self.on_card(inputs.device())? {
            let (values, (neurons, derivatives)) = layers.forward(inputs, keep)?;
            return Ok((values, ForwardState { neurons, derivatives }));
        }
        tch::no_grad(|| match self.precision {
            Precision::F32 => self.layers::<f32>(inputs, keep),
            Precision::Bf16 => self.layers::<u16>(inputs, keep),
        })
    }

    /// Number of hidden layers.
    fn depth(&self) -> usize {
        self.parameters.len() / 2 - 1
    }

    /// The weight of a layer in the precision of the products.
    fn weight<T: Element>(&self, number: usize) -> Result<Tensor> {
        self.parameters[2 * number].value.f_detach().and_then(|weight| weight.f_to_kind(T::KIND)).map_err(torch_error)
    }

    /// Matrix product of the neurons below with a hidden layer's weight, without bias and φ; uninitialised memory if
    /// there are no neurons below, because then the kernels compute the product.
    fn products<T: Element>(&self, number: usize, below: Option<&Tensor>, count: i64) -> Result<Tensor> {
        let product = match below {
            Some(below) => {
                self.weight::<T>(number)?.f_transpose(0, 1).and_then(|weight| tensors::product(below, &weight))
            }
            None => Tensor::f_empty([count, self.parameters[0].value.size()[0]], (T::KIND, Device::Cpu)),
        };
        product.map_err(torch_error)
    }

    fn layers<T: Stored + Element>(&self, inputs: &Tensor, keep: bool) -> Result<(Tensor, ForwardState)> {
        let (count, columns) = (inputs.size()[0], inputs.size()[1] as usize);
        let mut kept = ForwardState { neurons: Vec::new(), derivatives: Vec::new() };
        if columns > FEW {
            kept.neurons.push(inputs.f_to_kind(T::KIND).map_err(torch_error)?);
        }
        for number in 0..self.depth() {
            let below = if keep { kept.neurons.last().map(Tensor::shallow_clone) } else { kept.neurons.pop() };
            let mut neurons = self.products::<T>(number, below.as_ref(), count)?;
            let mut derivative = if keep { Some(neurons.f_empty_like().map_err(torch_error)?) } else { None };
            let room: &mut [T] = if let Some(derivative) = &mut derivative { lend_mut(derivative)? } else { &mut [] };
            let bias = lend(&self.parameters[2 * number + 1].value)?;
            if below.is_none() {
                let weight = self
                    .weight::<f32>(number)?
                    .f_transpose(0, 1)
                    .and_then(|weight| weight.f_contiguous())
                    .map_err(torch_error)?;
                let first = First { inputs: columns, points: lend(inputs)?, weight: lend(&weight)? };
                neurons::forward::<T>(self.pointwise, Some(first), bias, lend_mut(&mut neurons)?, room);
            } else {
                neurons::forward::<T>(self.pointwise, None, bias, lend_mut(&mut neurons)?, room);
            }
            kept.neurons.push(neurons);
            kept.derivatives.extend(derivative);
        }
        let last = kept.neurons.last().expect("there is at least one hidden layer");
        let [weight, bias] = [0, 1].map(|k| &self.parameters[2 * self.depth() + k].value);
        let values = neurons::output::<T>(lend(last)?, lend(weight)?, to_vec(bias)?[0]);
        Ok((from_slice(&values, &[count as usize], Device::Cpu)?, kept))
    }

    fn back<T: Stored + Element>(
        &self,
        inputs: &Tensor,
        mut kept: ForwardState,
        slopes: &[f32],
        ask: bool,
    ) -> Result<Option<Tensor>> {
        let (depth, width) = (self.depth(), self.parameters[0].value.size()[0] as usize);
        let last = kept.neurons.pop().expect("there is at least one hidden layer");
        let weight: Vec<f32> = to_vec(&self.parameters[2 * depth].value)?;
        fused::add(&self.parameters[2 * depth], &neurons::weighted::<T>(lend(&last)?, slopes, width))?;
        fused::add(&self.parameters[2 * depth + 1], &[slopes.iter().sum()])?;
        let mut product: Option<Tensor> = None;
        for (number, mut derivative) in kept.derivatives.into_iter().enumerate().rev() {
            let below = kept.neurons.pop();
            let columns: &[f32] = if below.is_none() { lend(inputs)? } else { &[] };
            let from = match &product {
                Some(product) => neurons::SumSlopes::Product(lend::<T>(product)?),
                None => neurons::SumSlopes::Output(slopes, &weight),
            };
            let sums = neurons::backward::<T>(from, lend_mut(&mut derivative)?, width, columns);
            let (bias, few) = sums.split_at(width);
            fused::add(&self.parameters[2 * number + 1], bias)?;
            let parameter = &self.parameters[2 * number];
            match &below {
                // Transposes `[inputs, width]` to `[width, inputs]`.
                None => {
                    let inputs = few.len() / width;
                    fused::add(
                        parameter,
                        &(0..width * inputs).map(|i| few[i % inputs * width + i / inputs]).collect::<Vec<_>>(),
                    )?;
                }
                Some(below) => {
                    let gradient =
                        derivative.f_transpose(0, 1).and_then(|d| tensors::product(&d, below)?.f_to_kind(Kind::Float));
                    let add = |gradient: &Tensor| fused::gradient(&parameter.value)?.f_add_(gradient);
                    let _ = gradient.and_then(|gradient| add(&gradient)).map_err(torch_error)?;
                }
            }
            product = if number > 0 || ask {
                Some(tensors::product(&derivative, &self.weight::<T>(number)?).map_err(torch_error)?)
            } else {
                None
            };
        }
        product.map(|slopes| slopes.f_to_kind(Kind::Float).map_err(torch_error)).transpose()
    }
}
