//! Neural fields (implicit neural representations): functions of a point whose parameters represent the volume.
//!
//! A field maps points in *field coordinates* to attenuation in units of mu_ref (see
//! [`crate::data::MU_REFERENCE_OVER_WATER`]). Field coordinates of a world point p are (p − centre of the grid) divided
//! by half of the grid's longest extent (the same scale for all axes), in the order (x, y, z); in 2-D they are the
//! components along the slice's x and y axes.

pub mod activations;
pub mod anchored;
pub mod coordinates;
mod dense;
pub mod device;
mod domain;
pub mod encodings;
mod fused;
mod interpolation;
pub mod kernels;
mod layers;
pub mod mlp;
pub mod radiance;
pub mod regularizers;
pub mod siren;
pub mod voxels;

pub use domain::Domain;

use crate::error::Result;
use crate::tensors::{multiplies_bf16, torch_error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// How an optimizer treats a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A matrix between hidden layers, or from a fixed encoding to the first hidden layer: Muon orthogonalises its
    /// steps.
    Hidden,
    /// Values stored in space: the features of a grid encoding, or the voxels of [`voxels`]. Few points contribute to
    /// an entry's gradient, so it needs a larger learning rate than a weight.
    Table,
    /// Part of the function but not trained, such as random frequencies: saved in checkpoints, without a gradient.
    Frozen,
    /// Anything else: first and last layers, biases.
    Other,
}

/// A named tensor of a field, trainable unless [`Role::Frozen`].
#[derive(Debug)]
pub struct Parameter {
    /// Unique name, such as `layers.0.weight`; in checkpoints with the prefix `field.`.
    pub name: String,
    /// The values; `requires_grad`, unless [`Role::Frozen`].
    pub value: Tensor,
    /// How an optimizer treats it.
    pub role: Role,
}

/// Given the values `[n]` of a field, returns the gradient ∂loss/∂value `[n]` of the loss with respect to them.
pub type OutputGradient<'a> = dyn FnMut(&Tensor) -> Result<Tensor> + 'a;

/// A differentiable function of points.
pub trait Field: std::fmt::Debug {
    /// Attenuation / mu_ref `[n]` at `points` `[n, inputs]` in field coordinates, as a differentiable tensor
    /// expression: the reference for [`Field::evaluate`] and [`Field::accumulate`], which may use hand-written kernels.
    ///
    /// # Errors
    /// When memory runs out.
    fn attenuation(&self, points: &Tensor) -> Result<Tensor>;
    /// All tensors of the field, in a fixed order.
    fn parameters(&self) -> &[Parameter];
    /// Takes over the volume `[voxels]` (attenuation / mu_ref, C order of `[z, y, x]`) that the fit starts from, if the
    /// field can store a volume exactly. The default does nothing: a network learns the volume by regression instead.
    ///
    /// # Errors
    /// A volume of another size.
    fn adopt(&self, _volume: &Tensor) -> Result<()> {
        Ok(())
    }
    /// [`Field::attenuation`] without gradients.
    ///
    /// # Errors
    /// When memory runs out.
    fn evaluate(&self, points: &Tensor) -> Result<Tensor> {
        tch::no_grad(|| self.attenuation(points))
    }
    /// Evaluates the field at `points`, passes the values to `slopes`, which returns ∂loss/∂value, and adds the
    /// gradient of Σ slope · attenuation to the parameters' `.grad`. Needs the memory of one pass over the points.
    ///
    /// # Errors
    /// When memory runs out; errors of `slopes`.
    fn accumulate(&self, points: &Tensor, slopes: &mut OutputGradient<'_>) -> Result<()> {
        through_autograd(self, points, slopes)
    }
}

/// [`Field::accumulate`] for any field, by [`Field::attenuation`] and automatic differentiation.
fn through_autograd<F: Field + ?Sized>(field: &F, points: &Tensor, slopes: &mut OutputGradient<'_>) -> Result<()> {
    let values = field.attenuation(points)?;
    let slopes = slopes(&values.detach())?;
    values.f_mul(&slopes).and_then(|product| product.f_sum(values.kind())?.f_backward()).map_err(torch_error)
}

/// Computational cost of a field, for `recon check`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Arithmetic operations of a forward and backward pass for one point, rough, as the number of f32 operations that
    /// take the same time.
    pub operations: f64,
    /// Memory of a forward and backward pass for one point, bytes.
    pub bytes: u64,
    /// Number of trainable values.
    pub parameters: u64,
}

/// Configuration of a kind of field.
pub trait Architecture {
    /// Refuses an invalid configuration for fields on `domain`, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self, domain: &Domain) -> Result<()>;
    /// Estimated cost of the field, for a configuration that [`Architecture::check`] accepts.
    fn cost(&self, domain: &Domain) -> Cost;
    /// Builds a field on `domain` with initial weights; the same seed gives the same weights on every device.
    ///
    /// # Errors
    /// A configuration that [`Architecture::check`] refuses; when memory runs out.
    fn build(&self, domain: &Domain, seed: u64, options: (Kind, Device)) -> Result<Box<dyn Field>>;
}

crate::kinds! {
    /// The kinds of field.
    pub enum FieldKind: "field" => dyn Architecture {
        /// Sinusoidal representation network (SIREN).
        siren => Siren(siren::Config),
        /// Multilayer perceptron on an encoding of the point.
        mlp => Mlp(mlp::Config),
        /// The voxel values themselves, interpolated; no network.
        voxels => Voxels(voxels::Config),
        /// A fixed start volume plus a network that learns the difference to it.
        anchored => Anchored(anchored::Config),
    }
}

/// Precision of the matrix products with hidden neurons and wide encodings. Weights, sums, phases and everything else
/// stay f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// Factors rounded to bfloat16: 2 to 6 times faster where the CPU or GPU multiplies bfloat16 in hardware (AVX-512
    /// BF16, AMX), about as fast as f32 elsewhere.
    Bf16,
}

impl Precision {
    /// Time of the products relative to f32: a step of a bf16 SIREN takes about a third of the time where the hardware
    /// multiplies bfloat16, and slightly more than with f32 where the factors are converted to f32.
    fn relative_cost(self) -> f64 {
        match self {
            Self::F32 => 1.0,
            Self::Bf16 if multiplies_bf16() => 0.35,
            Self::Bf16 => 1.1,
        }
    }
}
