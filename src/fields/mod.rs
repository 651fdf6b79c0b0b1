//! Implicit neural representations: functions of a point whose weights are the volume.
//!
//! A field maps points in *field coordinates* to attenuation in units of mu_ref (see [`crate::data::MU_REFERENCE_OVER_WATER`]).
//! Field coordinates of a world point p are (p − centre of the grid) / half its longest extent, one isotropic scale, order
//! (x, y, z); in 2-D the components along the slice's x and y axes.

pub mod coordinates;
pub mod integrators;
pub mod regularizers;
pub mod siren;

use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// What a parameter is to an optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A matrix between hidden layers: what Muon orthogonalises.
    Hidden,
    /// Anything else: first and last layers, biases, tables.
    Other,
}

/// A trainable tensor of a field.
#[derive(Debug)]
pub struct Parameter {
    /// Unique name, such as `layers.0.weight`; in checkpoints below `field.`.
    pub name: String,
    /// The values; `requires_grad`.
    pub value: Tensor,
    /// What it is to an optimizer.
    pub role: Role,
}

/// A differentiable function of points.
pub trait Field: std::fmt::Debug {
    /// Attenuation / mu_ref `[n]` at `points` `[n, inputs]` in field coordinates.
    ///
    /// # Errors
    /// When memory runs out.
    fn attenuation(&self, points: &Tensor) -> Result<Tensor>;
    /// The trainable tensors, in a fixed order.
    fn parameters(&self) -> &[Parameter];
}

/// A family member's configuration.
pub trait Architecture {
    /// Refuses what makes no sense, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self) -> Result<()>;
    /// A freshly initialised field of `inputs` (2 or 3) coordinates; the same seed gives the same weights on every device.
    ///
    /// # Errors
    /// A configuration that [`Architecture::check`] refuses; memory.
    fn build(&self, inputs: usize, seed: u64, options: (Kind, Device)) -> Result<Box<dyn Field>>;
}

crate::kinds! {
    /// The fields.
    pub enum FieldKind: "field" => dyn Architecture {
        /// Sinusoidal representation network.
        siren => Siren(siren::Config),
    }
}

/// Precision of the hidden layers' products. Weights, sums, phases and everything else stay f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// Factors rounded to bfloat16: 2–6 times faster where the CPU or GPU multiplies them in hardware.
    Bf16,
}
