//! A radiance field with its weights. Grid encodings are interpolated, and their tables' gradients scattered, by
//! hand-written kernels ([`super::super::kernels`]); the small networks between them use libtorch's products and
//! autograd.

use super::{Config, INPUTS};
use crate::error::Result;
use crate::fields::encodings::Encoder;
use crate::fields::layers::{linear, tensor};
use crate::fields::{OutputGradient, Parameter, Precision, fused};
use crate::tensors::torch_error;
use tch::{Device, Kind, TchError, Tensor};

/// A field with its weights. Parameters: `encoding.*`, then `layers.N.weight` `[out, in]` and `layers.N.bias` `[out]`:
/// `depth` layers before the density, the layer that gives raw density and features, `color_depth` layers before the
/// colour, the layer that gives the colour. The inputs of the layer `skip` are the hidden neurons, then the encoded
/// point; those of the first colour layer are the features, then the encoded direction.
#[derive(Debug)]
pub struct Radiance {
    config: Config,
    encoder: Box<dyn Encoder>,
    parameters: Vec<Parameter>,
    /// Number of parameter tensors that belong to the encoding; they come first.
    first: usize,
    options: (Kind, Device),
}

type Tried = std::result::Result<Tensor, TchError>;

impl Radiance {
    /// A freshly initialised field; the same seed gives the same weights on every device.
    ///
    /// # Errors
    /// A configuration that [`Config::check`] refuses; when memory runs out.
    pub fn new(config: &Config, seed: u64, options: (Kind, Device)) -> Result<Self> {
        config.check()?;
        let built = config.encoding.kind.as_part().build(INPUTS, seed, options)?;
        let under = |p: Parameter| Parameter { name: format!("encoding.{}", p.name), ..p };
        let mut parameters: Vec<Parameter> = built.parameters.into_iter().map(under).collect();
        let first = parameters.len();
        for (number, layer) in config.layers().iter().enumerate() {
            parameters.extend(layer.parameters(number, (seed, "radiance field"), options)?);
        }
        Ok(Self { config: config.clone(), encoder: built.encoder, parameters, first, options })
    }

    /// All tensors of the field, in a fixed order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The encoding `[rays, width]` of viewing directions (unit vectors).
    ///
    /// # Errors
    /// When memory runs out.
    pub fn directions(&self, directions: &[[f64; 3]]) -> Result<Tensor> {
        let told: Vec<f64> = directions.iter().flat_map(|&d| self.config.direction.encode(d)).collect();
        tensor(&told, &[directions.len(), self.config.direction.width()], self.options)
    }

    /// Raw density and colour `[n, 4]` at `points` `[n, 3]` in field coordinates, with the encoded direction `told`
    /// `[n, width]` of each point (see [`Radiance::directions`]): a differentiable expression, the reference for the
    /// other methods.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn raw(&self, points: &Tensor, told: &Tensor) -> Result<Tensor> {
        self.encoder.encode(points).and_then(|encoded| self.of_encoded(&encoded, told)).map_err(torch_error)
    }

    /// [`Radiance::raw`] without gradients.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn evaluate(&self, points: &Tensor, told: &Tensor) -> Result<Tensor> {
        tch::no_grad(|| {
            let encoded = self.encoded(points)?;
            self.of_encoded(&encoded, told).map_err(torch_error)
        })
    }

    /// Raw density `[n]` at points, without gradients.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn density(&self, points: &Tensor) -> Result<Tensor> {
        tch::no_grad(|| {
            let encoded = self.encoded(points)?;
            self.trunk(&encoded).and_then(|hidden| hidden.f_select(1, 0)).map_err(torch_error)
        })
    }

    /// Evaluates the field at `points`, passes the raw values `[n, 4]` to `slopes`, which returns the gradient with
    /// respect to them, and adds the gradient of Σ slope · raw to the parameters' `.grad`.
    ///
    /// # Errors
    /// When memory runs out; errors of `slopes`.
    pub fn accumulate(&self, points: &Tensor, told: &Tensor, slopes: &mut OutputGradient<'_>) -> Result<()> {
        let table = self.encoder.table().filter(|_| fused::applies(points));
        let encoded = match table {
            Some((levels, table)) => tch::no_grad(|| fused::gather(levels, table, points))?.set_requires_grad(true),
            None => self.encoder.encode(points).map_err(torch_error)?,
        };
        let raw = self.of_encoded(&encoded, told).map_err(torch_error)?;
        let slopes = slopes(&raw.detach())?;
        raw.f_mul(&slopes).and_then(|product| product.f_sum(raw.kind())?.f_backward()).map_err(torch_error)?;
        match table {
            Some((levels, table)) => fused::scatter(levels, table, points, &encoded.grad()),
            None => Ok(()),
        }
    }

    fn encoded(&self, points: &Tensor) -> Result<Tensor> {
        match self.encoder.table().filter(|_| fused::applies(points)) {
            Some((levels, table)) => fused::gather(levels, table, points),
            None => self.encoder.encode(points).map_err(torch_error),
        }
    }

    fn of_encoded(&self, encoded: &Tensor, told: &Tensor) -> Tried {
        let hidden = self.trunk(encoded)?;
        let features = hidden.f_narrow(1, 1, self.config.features as i64)?;
        let mut color = Tensor::f_cat(&[&features, told], 1)?;
        let first = self.config.depth + 1;
        for number in first..first + self.config.color_depth {
            color = self.hidden(number, &color)?;
        }
        color = self.layer(first + self.config.color_depth, &color)?;
        Tensor::f_cat(&[&hidden.f_narrow(1, 0, 1)?, &color], 1)
    }

    /// Raw density and features `[n, 1 + features]`.
    fn trunk(&self, encoded: &Tensor) -> Tried {
        let mut hidden = encoded.shallow_clone();
        for number in 0..self.config.depth {
            if self.config.skip == Some(number) {
                hidden = Tensor::f_cat(&[&hidden, encoded], 1)?;
            }
            hidden = self.hidden(number, &hidden)?;
        }
        self.layer(self.config.depth, &hidden)
    }

    fn hidden(&self, number: usize, hidden: &Tensor) -> Tried {
        self.config.activation.kind.as_part().apply(&self.layer(number, hidden)?)
    }

    fn layer(&self, number: usize, hidden: &Tensor) -> Tried {
        let at = self.first + 2 * number;
        linear(hidden, &self.parameters[at].value, &self.parameters[at + 1].value, Precision::F32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::radiance::Direction;

    fn config(text: &str) -> Config {
        serde_yaml::from_str(text).unwrap()
    }

    fn configs() -> [Config; 5] {
        [
            "{encoding: {hash_grid: {levels: 3, log2_table: 8, base: 3, finest: 12}}, width: 8, color_width: 7}",
            "{encoding: {hash_grid: {levels: 2, log2_table: 8, base: 3, finest: 9}}, width: 6, direction: none}",
            "{encoding: {nerf: {octaves: 2}}, width: 9, depth: 4, skip: 2, features: 5, direction: waves, \
             color_depth: 1}",
            "{encoding: identity, width: 5, depth: 2, features: 3, color_depth: 0}",
            "{encoding: identity, width: 6, depth: 3, features: 4, activation: {sine: {omega: 9}}, color_width: 5}",
        ]
        .map(config)
    }

    fn inputs(field: &Radiance, kind: Kind) -> (Tensor, Tensor) {
        let points: Vec<f64> = (0..60).map(|i| 0.9 * (i as f64 * 1.3).sin()).collect();
        let turned = |i: usize| [(i as f64).sin(), 0.0, (i as f64).cos()];
        let told = field.directions(&(0..20).map(turned).collect::<Vec<_>>()).unwrap();
        (Tensor::from_slice(&points).view([20, 3]).to_kind(kind), told)
    }

    #[test]
    fn the_gradient_is_the_finite_difference() {
        for config in configs() {
            let field = Radiance::new(&config, 3, (Kind::Double, Device::Cpu)).unwrap();
            // Moves the sums away from the kinks of ReLU, where biases of zero would leave some of them.
            for parameter in field.parameters().iter().filter(|p| p.name.ends_with("bias")) {
                let _ = parameter.value.detach().fill_(0.05);
            }
            let (points, told) = inputs(&field, Kind::Double);
            let weights =
                Tensor::from_slice(&(0..80).map(|i| (f64::from(i) * 0.7).cos()).collect::<Vec<_>>()).view([20, 4]);
            field.accumulate(&points, &told, &mut |_| Ok(weights.shallow_clone())).unwrap();
            let value = || (field.evaluate(&points, &told).unwrap() * &weights).sum(Kind::Double).double_value(&[]);
            for parameter in field.parameters().iter().filter(|p| p.value.requires_grad()) {
                let (flat, grad) = (parameter.value.detach().view(-1), parameter.value.grad().view(-1));
                let at = grad.abs().argmax(0, false).int64_value(&[]);
                let step = 1e-6;
                let moved = |by: f64| {
                    let _ = flat.narrow(0, at, 1).g_add_scalar_(by);
                    value()
                };
                let (up, down) = (moved(step), moved(-2.0 * step));
                moved(step);
                let (found, exact) = (grad.double_value(&[at]), (up - down) / (2.0 * step));
                assert!((found - exact).abs() <= 1e-5 * (1.0 + exact.abs()), "{}: {found} {exact}", parameter.name);
            }
        }
    }

    #[test]
    fn the_kernels_agree_with_the_tensor_expression() {
        for config in configs() {
            let field = Radiance::new(&config, 3, (Kind::Float, Device::Cpu)).unwrap();
            let (points, told) = inputs(&field, Kind::Float);
            let close = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]) < 1e-5;
            let raw = field.raw(&points, &told).unwrap();
            assert_eq!(raw.size(), [20, 4]);
            assert!(close(&field.evaluate(&points, &told).unwrap(), &raw));
            assert!(close(&field.density(&points).unwrap(), &raw.select(1, 0)));
            raw.sum(Kind::Float).backward();
            let taken = || -> Vec<Tensor> {
                let all = field.parameters().iter().filter(|p| p.value.requires_grad());
                all.map(|p| (p.value.grad().copy(), p.value.grad().zero_()).0).collect()
            };
            let expected = taken();
            field.accumulate(&points, &told, &mut |raw| Ok(raw.ones_like())).unwrap();
            assert!(taken().iter().zip(&expected).all(|(a, b)| close(a, b)));
        }
    }

    #[test]
    fn without_a_direction_a_point_has_one_colour() {
        let field = Radiance::new(&configs()[1], 3, (Kind::Float, Device::Cpu)).unwrap();
        assert_eq!(field.directions(&[[0.0, 0.0, 1.0]]).unwrap().size(), [1, 0]);
        let no = Config { direction: Direction::None, features: 0, ..Config::default() };
        assert!(no.check().unwrap_err().to_string().contains("features"));
    }
}
