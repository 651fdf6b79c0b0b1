//! Implicit neural representations: functions of a point whose weights are the volume.
//!
//! A field maps points in *field coordinates* to attenuation in units of mu_ref (see
//! [`crate::data::MU_REFERENCE_OVER_WATER`]). Field coordinates of a world point p are (p − centre of the grid) / half
//! its longest extent, one isotropic scale, order (x, y, z); in 2-D the components along the slice's x and y axes.

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

/// What a parameter is to an optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A matrix between hidden layers, or from a fixed encoding to the first: what Muon orthogonalises.
    Hidden,
    /// What space itself is stored in: the features of a grid encoding, the voxels of [`voxels`]. Few points touch an
    /// entry, so it wants a larger rate than a weight.
    Table,
    /// Part of the function but not trained, such as random frequencies: in checkpoints, without a gradient.
    Frozen,
    /// Anything else: first and last layers, biases.
    Other,
}

/// A trainable tensor of a field.
#[derive(Debug)]
pub struct Parameter {
    /// Unique name, such as `layers.0.weight`; in checkpoints below `field.`.
    pub name: String,
    /// The values; `requires_grad`, unless [`Role::Frozen`].
    pub value: Tensor,
    /// What it is to an optimizer.
    pub role: Role,
}

/// Given values `[n]`, the slopes ∂loss/∂value `[n]` of what is minimised.
pub type OutputGradient<'a> = dyn FnMut(&Tensor) -> Result<Tensor> + 'a;

/// A differentiable function of points.
pub trait Field: std::fmt::Debug {
    /// Attenuation / mu_ref `[n]` at `points` `[n, inputs]` in field coordinates, as a differentiable tensor
    /// expression: the reference for [`Field::evaluate`] and [`Field::accumulate`], which may be fused.
    ///
    /// # Errors
    /// When memory runs out.
    fn attenuation(&self, points: &Tensor) -> Result<Tensor>;
    /// The trainable tensors, in a fixed order.
    fn parameters(&self) -> &[Parameter];
    /// Takes over the volume `[voxels]` (attenuation / mu_ref, C order) that the fit starts from, where the field has a
    /// place for it; a network learns it by regression instead.
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
    /// Evaluates at `points`, asks for the slopes there, and adds the gradient of Σ slope · attenuation to the
    /// parameters' `.grad`, with the memory of one pass over the points.
    ///
    /// # Errors
    /// When memory runs out; what `slopes` says.
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

/// What a field costs, for `recon check`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Rough arithmetic of a forward and backward pass for one point, in the time of so many f32 operations.
    pub operations: f64,
    /// Memory of such a pass for one point, bytes.
    pub bytes: u64,
    /// Trainable numbers.
    pub parameters: u64,
}

/// A family member's configuration.
pub trait Architecture {
    /// Refuses what makes no sense for fields on `domain`, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self, domain: &Domain) -> Result<()>;
    /// What the field will cost; for configurations that [`Architecture::check`] takes.
    fn cost(&self, domain: &Domain) -> Cost;
    /// A freshly initialised field on `domain`; the same seed gives the same weights on every device.
    ///
    /// # Errors
    /// A configuration that [`Architecture::check`] refuses; memory.
    fn build(&self, domain: &Domain, seed: u64, options: (Kind, Device)) -> Result<Box<dyn Field>>;
}

crate::kinds! {
    /// The fields.
    pub enum FieldKind: "field" => dyn Architecture {
        /// Sinusoidal representation network.
        siren => Siren(siren::Config),
        /// Multilayer perceptron on an encoding of the point.
        mlp => Mlp(mlp::Config),
        /// The volume itself, interpolated.
        voxels => Voxels(voxels::Config),
        /// A start that stays, and a network for the difference to it.
        anchored => Anchored(anchored::Config),
    }
}

/// Precision of the products with hidden neurons and wide encodings. Weights, sums, phases and everything else stay
/// f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// Factors rounded to bfloat16: 2–6 times faster where the CPU or GPU multiplies them in hardware (AVX-512 BF16,
    /// AMX), about as fast as f32 elsewhere.
    Bf16,
}

impl Precision {
    /// Cost of its products relative to f32: a bf16 SIREN's step takes about a third of the time where the hardware
    /// multiplies them, and a little more where they are widened to f32.
    fn relative_cost(self) -> f64 {
        match self {
            Self::F32 => 1.0,
            Self::Bf16 if multiplies_bf16() => 0.35,
            Self::Bf16 => 1.1,
        }
    }
}
