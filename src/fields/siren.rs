//! SIREN: a multilayer perceptron with sine activations.
//!
//! h₀ = x, hₖ₊₁ = sin(ω (Wₖ hₖ + bₖ)), output = w·h + b (final linear layer).
//! Initialisation: W₀ ~ U(±1/inputs), the others ~ U(±√(6/width)/ω), biases like their layer's weights.
//! Sitzmann et al., "Implicit Neural Representations with Periodic Activation Functions", NeurIPS 2020, §3.2.
//! The field of choice where few parameters must hold a smooth volume; `omega` sets the highest frequency it starts with.

use super::{Architecture, Field, Parameter, Precision, Role};
use crate::error::{Error, Result};
use crate::random::stream;
use crate::tensors::torch_error;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// A SIREN's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Neurons of a hidden layer.
    pub width: usize,
    /// Number of sine layers (the linear output layer comes on top).
    pub depth: usize,
    /// Frequency factor of every sine layer.
    pub omega: f64,
    /// Precision of the products between hidden layers.
    pub precision: Precision,
}

impl Default for Config {
    fn default() -> Self {
        Self { width: 256, depth: 3, omega: 30.0, precision: Precision::F32 }
    }
}

/// A sine network with its weights. Parameters: `layers.N.weight` `[out, in]`, `layers.N.bias` `[out]`.
#[derive(Debug)]
pub struct Siren {
    omega: f64,
    precision: Precision,
    parameters: Vec<Parameter>,
}

impl Architecture for Config {
    fn check(&self) -> Result<()> {
        if !(1..=4096).contains(&self.width) {
            return Err(Error::config("siren.width", format!("expected 1 to 4096, got {}", self.width)));
        }
        if !(1..=32).contains(&self.depth) {
            return Err(Error::config("siren.depth", format!("expected 1 to 32, got {}", self.depth)));
        }
        if !self.omega.is_finite() || self.omega <= 0.0 {
            return Err(Error::config("siren.omega", format!("expected a positive number, got {}", self.omega)));
        }
        Ok(())
    }

    fn build(&self, inputs: usize, seed: u64, options: (Kind, Device)) -> Result<Box<dyn Field>> {
        self.check()?;
        let mut parameters = Vec::with_capacity(2 * (self.depth + 1));
        for layer in 0..=self.depth {
            let width_in = if layer == 0 { inputs } else { self.width };
            let width_out = if layer == self.depth { 1 } else { self.width };
            let bound = if layer == 0 { 1.0 / inputs as f64 } else { (6.0 / self.width as f64).sqrt() / self.omega };
            let role = if layer == 0 || layer == self.depth { Role::Other } else { Role::Hidden };
            let mut random = stream(seed, "siren", layer as u64);
            for (what, shape, role) in [("weight", vec![width_out, width_in], role), ("bias", vec![width_out], Role::Other)] {
                let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.random_range(-bound..bound)).collect();
                let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
                let make = || Tensor::f_from_slice(&values)?.f_view(&shape[..])?.f_to_device(options.1)?.f_to_kind(options.0);
                let value = make().map_err(torch_error)?.set_requires_grad(true);
                parameters.push(Parameter { name: format!("layers.{layer}.{what}"), value, role });
            }
        }
        Ok(Box::new(Siren { omega: self.omega, precision: self.precision, parameters }))
    }
}

impl Siren {
    /// W h + b with W and b scaled by `factor` (they are small; the activations are not).
    fn layer(&self, number: usize, h: &Tensor, factor: f64) -> std::result::Result<Tensor, TchError> {
        let weight = self.parameters[2 * number].value.f_mul_scalar(factor)?.f_transpose(0, 1)?;
        let bias = self.parameters[2 * number + 1].value.f_mul_scalar(factor)?;
        if self.precision == Precision::Bf16 && self.parameters[2 * number].role == Role::Hidden {
            let product = h.f_to_kind(Kind::BFloat16)?.f_matmul(&weight.f_to_kind(Kind::BFloat16)?)?;
            return product.f_to_kind(h.kind())?.f_add(&bias);
        }
        bias.f_addmm(h, &weight)
    }
}

impl Field for Siren {
    fn attenuation(&self, points: &Tensor) -> Result<Tensor> {
        let last = self.parameters.len() / 2 - 1;
        let run = || {
            let mut h = points.shallow_clone();
            for number in 0..last {
                h = self.layer(number, &h, self.omega)?.f_sin()?;
            }
            self.layer(last, &h, 1.0)?.f_squeeze_dim(1)
        };
        run().map_err(torch_error)
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::to_vec;

    #[test]
    fn hidden_phases_have_unit_scale_at_any_width_as_sitzmann_designed() {
        for width in [64, 256] {
            let config = Config { width, depth: 4, ..Config::default() };
            let field = config.build(3, 0, (Kind::Float, Device::Cpu)).unwrap();
            let points =
                Tensor::from_slice(&(0..3000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect::<Vec<_>>()).view([1000, 3]);
            let mut h = points;
            for layer in 0..4 {
                let (w, b) = (&field.parameters()[2 * layer].value, &field.parameters()[2 * layer + 1].value);
                let phase = (h.matmul(&w.transpose(0, 1)) + b) * 30.0;
                if layer > 0 {
                    let deviation = phase.std(true).double_value(&[]);
                    assert!((0.8..1.3).contains(&deviation), "layer {layer} of width {width}: {deviation}");
                }
                h = phase.sin();
            }
        }
    }

    #[test]
    fn bf16_products_change_the_output_by_less_than_two_percent_of_its_spread() {
        let build = |precision| Config { precision, ..Config::default() }.build(3, 1, (Kind::Float, Device::Cpu)).unwrap();
        let points = Tensor::from_slice(&(0..600).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>()).view([200, 3]);
        let run = |precision| to_vec(&build(precision).attenuation(&points).unwrap()).unwrap();
        let (exact, rounded) = (run(Precision::F32), run(Precision::Bf16));
        let rms = |v: &mut dyn Iterator<Item = f32>| (v.map(|x| x * x).sum::<f32>() / 200.0).sqrt();
        let (error, spread) = (rms(&mut exact.iter().zip(&rounded).map(|(a, b)| a - b)), rms(&mut exact.iter().copied()));
        assert!(error > 0.0 && error < 0.02 * spread, "{error} of {spread}");
    }

    #[test]
    fn nonsense_is_refused_by_key() {
        let error = Config { width: 0, ..Config::default() }.check().unwrap_err();
        assert!(error.to_string().starts_with("siren.width"));
        assert!(Config { omega: f64::NAN, ..Config::default() }.check().is_err());
    }
}
