//! Radiance fields F(x, d) → (c, σ): density and colour of a point x seen along a unit vector d. In two stages, so that
//! the density does not depend on d: h, raw₀ = MLP(γ(x)), raw₁₋₃ = MLP(\[h, γ(d)\]). Mildenhall et al., "NeRF:
//! Representing Scenes as Neural Radiance Fields for View Synthesis", ECCV 2020, fig. 7; with a hash grid and spherical
//! harmonics: Müller et al., ACM TOG 41(4), 2022, §5.4.
//!
//! The field gives raw numbers; what they mean as density and colour is said in
//! [`crate::renderers::emission_absorption::composite`].

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

/// The network. NeRF's own: `{encoding: {nerf: {octaves: 10}}, width: 256, depth: 8, skip: 4, features: 256,
/// direction: waves, color_width: 128, color_depth: 1}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What it is told about the point.
    pub encoding: Box<OneOf<EncodingKind>>,
    /// Neurons of the hidden layers before the density.
    pub width: usize,
    /// Number of these layers.
    pub depth: usize,
    /// What a hidden neuron does with its sum, before density and colour alike.
    pub activation: OneOf<ActivationKind>,
    /// The layer (from 1) that is told about the point again; `null`: none.
    pub skip: Option<usize>,
    /// Numbers that the colour learns of the point beside its direction.
    pub features: usize,
    /// What it is told about the direction of the view.
    pub direction: Direction,
    /// Neurons of the hidden layers before the colour.
    pub color_width: usize,
    /// Number of these layers.
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

/// Coordinates of a point.
const INPUTS: usize = 3;

impl Config {
    /// Refuses what makes no sense, naming the key.
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
            return Err(Error::config("features", "expected at least 1 without a direction, got 0"));
        }
        match self.skip {
            Some(layer) if !(1..self.depth).contains(&layer) => {
                let problem = format!("expected a layer from 1 to depth - 1 = {}, got {layer}", self.depth - 1);
                Err(Error::config("skip", problem))
            }
            _ => Ok(()),
        }
    }

    /// Shapes and bounds of all layers: those before the density, the one that gives it, those before the colour, the
    /// one that gives it. ReLU layers start as in He et al., ICCV 2015, with biases of 0; others as their activation
    /// says.
    fn layers(&self) -> Vec<Layer> {
        let encoded = self.encoding.kind.as_part().width(INPUTS);
        let layer = |inputs: usize, outputs: usize, place: LayerPosition, role: Role| {
            let Bounds { weight, bias } = match &self.activation.kind {
                ActivationKind::Relu(_) => {
                    let gain = if place == LayerPosition::Last { 3.0 } else { 6.0 };
                    Bounds { weight: (gain / inputs as f64).sqrt(), bias: 0.0 }
                }
                other => other.as_part().bounds(place, inputs),
            };
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

    /// What a sample costs, forward and backward.
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
