//! SIREN: a multilayer perceptron with sine activations.
//!
//! h₀ = x, hₖ₊₁ = sin(ω (Wₖ hₖ + bₖ)), output = w·h + b (final linear layer). Initialisation: W₀ ~ U(±1/inputs), the
//! other weights ~ U(±√(6/width)/ω), biases with the same bound as their layer's weights. Sitzmann et al., "Implicit
//! Neural Representations with Periodic Activation Functions", NeurIPS 2020, §3.2. Use it where few parameters must
//! represent a smooth volume; `omega` sets the highest frequency of the initial field.

use super::dense::Dense;
use super::kernels::pointwise::Pointwise;
use super::layers::{Layer, linear};
use super::{Architecture, Cost, Domain, Field, OutputGradient, Parameter, Precision, Role, fused, through_autograd};
use crate::error::Result;
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// Size of a SIREN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of neurons in each hidden layer, 1 to 4096.
    pub width: usize,
    /// Number of sine layers, 1 to 32; the linear output layer is not counted.
    pub depth: usize,
    /// Frequency factor ω of every sine layer, greater than 0; it sets the highest frequency of the initial field.
    pub omega: f64,
    /// Precision of the matrix products between hidden layers.
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
    fn check(&self, _: &Domain) -> Result<()> {
        require::within("width", self.width, 1..=4096)?;
        require::within("depth", self.depth, 1..=32)?;
        require::positive("omega", self.omega)?;
        Ok(())
    }

    fn cost(&self, domain: &Domain) -> Cost {
        let (width, depth) = (self.width as u64, self.depth as u64);
        let parameters = width * width * (depth - 1) + width * (domain.inputs as u64 + depth + 1) + 1;
        // Per neuron four f32 numbers: input and output of the sine, and their gradients.
        Cost {
            operations: 6.0 * parameters as f64 * self.precision.relative_cost(),
            bytes: 16 * width * depth,
            parameters,
        }
    }

    fn build(&self, domain: &Domain, seed: u64, options: (Kind, Device)) -> Result<Box<dyn Field>> {
        self.check(domain)?;
        let mut parameters = Vec::with_capacity(2 * (self.depth + 1));
        for number in 0..=self.depth {
            let (first, last) = (number == 0, number == self.depth);
            let bound = if first { 1.0 / domain.inputs as f64 } else { (6.0 / self.width as f64).sqrt() / self.omega };
            let layer = Layer {
                inputs: if first { domain.inputs } else { self.width },
                outputs: if last { 1 } else { self.width },
                weight: bound,
                bias: bound,
                role: if first || last { Role::Other } else { Role::Hidden },
            };
            parameters.extend(layer.parameters(number, (seed, "siren"), options)?);
        }
        Ok(Box::new(Siren { omega: self.omega, precision: self.precision, parameters }))
    }
}

impl Siren {
    /// Number of sine layers.
    fn depth(&self) -> usize {
        self.parameters.len() / 2 - 1
    }

    fn dense(&self) -> Dense<'_> {
        Dense {
            parameters: &self.parameters,
            pointwise: Pointwise::Sine { omega: self.omega as f32 },
            precision: self.precision,
        }
    }

    /// W h + b with W and b multiplied by `factor`: cheaper than scaling the activations, which are larger.
    fn layer(&self, number: usize, h: &Tensor, factor: f64) -> std::result::Result<Tensor, TchError> {
        let [weight, bias] = [0, 1].map(|k| &self.parameters[2 * number + k]);
        let precision = if weight.role == Role::Hidden { self.precision } else { Precision::F32 };
        linear(h, &weight.value.f_mul_scalar(factor)?, &bias.value.f_mul_scalar(factor)?, precision)
    }
}

impl Field for Siren {
    fn attenuation(&self, points: &Tensor) -> Result<Tensor> {
        let last = self.depth();
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

    fn evaluate(&self, points: &Tensor) -> Result<Tensor> {
        if !fused::applies(points) {
            return tch::no_grad(|| self.attenuation(points));
        }
        self.dense().evaluate(&points.f_contiguous().map_err(torch_error)?)
    }

    fn accumulate(&self, points: &Tensor, slopes: &mut OutputGradient<'_>) -> Result<()> {
        if !fused::applies(points) {
            return through_autograd(self, points, slopes);
        }
        let points = points.f_contiguous().map_err(torch_error)?;
        let (values, kept) = self.dense().forward(&points)?;
        let slopes = slopes(&values)?.f_contiguous().map_err(torch_error)?;
        self.dense().backward(&points, kept, &slopes, false).map(drop)
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
            let field = config.build(&Domain::cube(3, 8).unwrap(), 0, (Kind::Float, Device::Cpu)).unwrap();
            let points =
                Tensor::from_slice(&(0..3000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect::<Vec<_>>())
                    .view([1000, 3]);
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
        let build = |precision| {
            Config { precision, ..Config::default() }
                .build(&Domain::cube(3, 8).unwrap(), 1, (Kind::Float, Device::Cpu))
                .unwrap()
        };
        let points = Tensor::from_slice(&(0..600).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>()).view([200, 3]);
        let run = |precision| to_vec(&build(precision).attenuation(&points).unwrap()).unwrap();
        let (exact, rounded) = (run(Precision::F32), run(Precision::Bf16));
        let rms = |v: &mut dyn Iterator<Item = f32>| (v.map(|x| x * x).sum::<f32>() / 200.0).sqrt();
        let (error, spread) =
            (rms(&mut exact.iter().zip(&rounded).map(|(a, b)| a - b)), rms(&mut exact.iter().copied()));
        assert!(error > 0.0 && error < 0.02 * spread, "{error} of {spread}");
    }

    #[test]
    fn the_kernels_agree_with_the_tensor_expressions() {
        for (width, depth, inputs) in [(256, 3, 3), (40, 2, 2), (300, 1, 2)] {
            for (precision, tolerance) in [(Precision::F32, 1e-4), (Precision::Bf16, 2e-2)] {
                let config = Config { width, depth, precision, ..Config::default() };
                let field = config.build(&Domain::cube(inputs, 8).unwrap(), 1, (Kind::Float, Device::Cpu)).unwrap();
                let points =
                    Tensor::from_slice(&(0..inputs * 333).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>());
                let what = format!("{depth} x {width} in {inputs}-D, {precision:?}");
                fused::compare(field.as_ref(), &points.view([-1, inputs as i64]), tolerance, &what);
            }
        }
    }

    #[test]
    fn nonsense_is_refused_by_key() {
        let domain = Domain::cube(3, 8).unwrap();
        let error = Config { width: 0, ..Config::default() }.check(&domain).unwrap_err();
        assert!(error.to_string().starts_with("width"));
        assert!(Config { omega: f64::NAN, ..Config::default() }.check(&domain).is_err());
    }
}
