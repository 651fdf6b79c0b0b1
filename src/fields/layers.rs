//! Building blocks of networks: uniformly distributed initial weights, and linear layers whose products may be rounded
//! to bfloat16.

use super::{Parameter, Precision, Role};
use crate::error::Result;
use crate::random::stream;
use crate::tensors::{product, torch_error};
use rand::RngExt;
use tch::{Device, Kind, TchError, Tensor};

/// A trainable tensor of independent random numbers, uniform in (−bound, bound); zeros if the bound is 0.
pub(super) fn uniform(
    name: String,
    shape: &[usize],
    bound: f64,
    role: Role,
    random: &mut impl RngExt,
    options: (Kind, Device),
) -> Result<Parameter> {
    let draw = |_| if bound > 0.0 { random.random_range(-bound..bound) } else { 0.0 };
    let values: Vec<f64> = (0..shape.iter().product()).map(draw).collect();
    let value = tensor(&values, shape, options)?.set_requires_grad(true);
    Ok(Parameter { name, value, role })
}

/// The values as a tensor of the given shape, kind and device.
pub(super) fn tensor(values: &[f64], shape: &[usize], options: (Kind, Device)) -> Result<Tensor> {
    let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    let make = || Tensor::f_from_slice(values)?.f_view(&shape[..])?.f_to_device(options.1)?.f_to_kind(options.0);
    make().map_err(torch_error)
}

/// Shape and initialisation bounds of one layer: weights and biases are uniform in ±`weight` and ±`bias`.
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: f64,
    pub(super) bias: f64,
    pub(super) role: Role,
}

impl Layer {
    /// Initial `layers.N.weight` `[outputs, inputs]` and `layers.N.bias` `[outputs]`, drawn in this order from the
    /// random stream (seed, purpose, N).
    pub(super) fn parameters(
        &self,
        number: usize,
        (seed, purpose): (u64, &str),
        options: (Kind, Device),
    ) -> Result<[Parameter; 2]> {
        let mut random = stream(seed, purpose, number as u64);
        let weight = uniform(
            format!("layers.{number}.weight"),
            &[self.outputs, self.inputs],
            self.weight,
            self.role,
            &mut random,
            options,
        )?;
        let bias =
            uniform(format!("layers.{number}.bias"), &[self.outputs], self.bias, Role::Other, &mut random, options)?;
        Ok([weight, bias])
    }
}

/// h Wᵀ + b for `h` `[n, inputs]`, `weight` `[outputs, inputs]` and `bias` `[outputs]`; with [`Precision::Bf16`] the
/// factors and the product h Wᵀ are rounded to bfloat16.
pub(super) fn linear(
    h: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    precision: Precision,
) -> std::result::Result<Tensor, TchError> {
    let weight = weight.f_transpose(0, 1)?;
    match precision {
        Precision::F32 => bias.f_addmm(h, &weight),
        Precision::Bf16 => {
            let multiplied = product(&h.f_to_kind(Kind::BFloat16)?, &weight.f_to_kind(Kind::BFloat16)?)?;
            multiplied.f_to_kind(h.kind())?.f_add(bias)
        }
    }
}
