//! Radiance fields F(x, d) → (c, σ): colour and density of a point x seen along a unit vector d. Two stages make the
//! density independent of d: h, raw₀ = MLP(γ(x)), then raw₁₋₃ = MLP(\[h, γ(d)\]). Mildenhall et al., "NeRF:
//! Representing Scenes as Neural Radiance Fields for View Synthesis", ECCV 2020, fig. 7; with a hash grid and spherical
//! harmonics: Müller et al., ACM TOG 41(4), 2022, §5.4.
//!
//! The field returns raw numbers; [`crate::renderers::emission_absorption::composite`] converts them to density and
//! colour.

mod direction;
mod network;

pub use direction::Direction;
pub use network::Radiance;

use super::activations::{self, ActivationKind, Bounds, LayerPosition};
use super::encodings::{EncodingKind, hash_grid};
use super::layers::Layer;
use super::{Cost, Role};
use crate::error::{Error, Result};
use crate::registry::{Kinds, OneOf};
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Components and size of the network. The original NeRF: `{encoding: {nerf: {octaves: 10}}, width: 256, depth: 8,
/// skip: 5, features: 256, direction: waves, color_width: 128, color_depth: 1}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Encoding of the point's coordinates.
    pub encoding: Box<OneOf<EncodingKind>>,
    /// Number of neurons in each hidden layer before the density, 1 to 4096.
    pub width: usize,
    /// Number of hidden layers before the density, 1 to 32.
    pub depth: usize,
    /// Activation function of all hidden neurons.
    pub activation: OneOf<ActivationKind>,
    /// Hidden layer, counted from 0, that takes the encoded point as additional input; 1 to `depth` − 1, `null`: none.
    pub skip: Option<usize>,
    /// Number of features of the point that the colour's layers take besides the direction; 0 to 1024.
    pub features: usize,
    /// Encoding of the viewing direction.
    pub direction: Direction,
    /// Number of neurons in each hidden layer before the colour, 1 to 4096.
    pub color_width: usize,
    /// Number of hidden layers before the colour, 0 to 32.
    pub color_depth: usize,
}

impl Default for Config {
    fn default() -> Self {
        let grid = hash_grid::Config { levels: 8, features: 2, log2_table: 16, base: 8, finest: 128 };
        Self {
            encoding: Box::new(EncodingKind::HashGrid(grid).into()),
            width: 64,
            depth: 1,
            activation: ActivationKind::Relu(activations::relu::Config {}).into(),
            skip: None,
            features: 15,
            direction: Direction::SphericalHarmonics,
            color_width: 64,
            color_depth: 2,
        }
    }
}

/// Number of coordinates of a point.
const INPUTS: usize = 3;

impl Config {
    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        let encoding = &self.encoding.kind;
        encoding.named(encoding.as_part().check(INPUTS)).map_err(|error| error.under("encoding"))?;
        let activation = &self.activation.kind;
        activation.named(activation.as_part().check()).map_err(|error| error.under("activation"))?;
        let counts = [
            ("width", self.width, 1..=4096),
            ("depth", self.depth, 1..=32),
            ("features", self.features, 0..=1024),
            ("color_width", self.color_width, 1..=4096),
            ("color_depth", self.color_depth, 0..=32),
        ];
        for (key, value, range) in counts {
            require::within(key, value, range)?;
        }
        if self.features == 0 && self.direction == Direction::None {
            return Err(Error::config("features", "expected at least 1 when `direction` is `none`, got 0"));
        }
        if let Some(layer) = self.skip {
            let expected = format!("a layer from 1 to depth - 1 = {}", self.depth - 1);
            require::holds((1..self.depth).contains(&layer), "skip", &expected, layer)?;
        }
        Ok(())
    }

    /// Shapes and initialisation bounds of all layers: the hidden layers before the density, the layer that gives
    /// density and features, the hidden layers before the colour, the layer that gives the colour.
    fn layers(&self) -> Vec<Layer> {
        let encoded = self.encoding.kind.as_part().width(INPUTS);
        let layer = |inputs: usize, outputs: usize, place: LayerPosition, role: Role| {
            let Bounds { weight, bias } = self.bounds(place, inputs);
            Layer { inputs, outputs, weight, bias, role }
        };
        let mut all = Vec::new();
        for number in 0..self.depth {
            let again = if self.skip == Some(number) { encoded } else { 0 };
            let (inputs, place, role) = if number == 0 {
                (encoded, LayerPosition::First, Role::Other)
            } else {
                (self.width + again, LayerPosition::Hidden, Role::Hidden)
            };
            all.push(layer(inputs, self.width, place, role));
        }
        all.push(layer(self.width, 1 + self.features, LayerPosition::Last, Role::Other));
        let mut inputs = self.features + self.direction.width();
        for number in 0..self.color_depth {
            let role = if number == 0 { Role::Other } else { Role::Hidden };
            all.push(layer(inputs, self.color_width, LayerPosition::Hidden, role));
            inputs = self.color_width;
        }
        all.push(layer(inputs, 3, LayerPosition::Last, Role::Other));
        all
    }

    /// Initialisation bounds of a layer. With ReLU the weights are initialised as in He et al., ICCV 2015, and the
    /// biases are 0; other activations use their own bounds.
    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds {
        match &self.activation.kind {
            ActivationKind::Relu(_) => {
                let gain = if place == LayerPosition::Last { 3.0 } else { 6.0 };
                Bounds { weight: (gain / inputs as f64).sqrt(), bias: 0.0 }
            }
            other => other.as_part().bounds(place, inputs),
        }
    }

    /// Cost of the forward and backward pass of one sample.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let encoding = self.encoding.kind.as_part();
        let layers = self.layers();
        let products: usize = layers.iter().map(|layer| layer.inputs * layer.outputs).sum();
        let neurons: usize = layers.iter().map(|layer| layer.inputs + layer.outputs).sum();
        let weights = products + layers.iter().map(|layer| layer.outputs).sum::<usize>();
        Cost {
            operations: 6.0 * products as f64 + 40.0 * encoding.reads(INPUTS) as f64,
            bytes: 4 * 3 * neurons as u64,
            parameters: (weights + encoding.trainable(INPUTS)) as u64,
        }
    }
}
