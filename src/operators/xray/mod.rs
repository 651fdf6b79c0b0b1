//! Linear maps between the two spaces of tomography: a [`Grid`] of voxels and the pixels of a [`Geometry`]. Written
//! twice, once as plain CPU functions ([`kernels`]) and once as tensor operations for any device; [`build`] picks.

mod cpu;
pub mod kernels;
pub mod rays;
mod sub_rays;
mod tensor_joseph;
mod weighted;

pub use cpu::{CpuProjector, Map, Pair};
pub use sub_rays::{SubRays, factors as sub_ray_factors};
pub use tensor_joseph::TensorJoseph;
pub use weighted::Weighted;

use crate::data::{Geometry, Grid};
use crate::error::{Error, Result};
use crate::tensors::{norm, torch_error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// A discrete X-ray transform A and its exact adjoint Aᵀ.
///
/// A volume is a tensor `[z, y, x]` (1/mm, or any unit), projections `[view, row, column]` (that unit times mm).
/// Results are new tensors without a gradient; differentiate through A by hand with its adjoint.
pub trait Projector {
    /// The grid of the volumes.
    fn domain(&self) -> &Grid;
    /// The scan of the projections.
    fn range(&self) -> &Geometry;
    /// A x: line integrals of the volume.
    ///
    /// # Errors
    /// A tensor of another shape or device; memory.
    fn forward(&self, volume: &Tensor) -> Result<Tensor>;
    /// Aᵀ y: the transpose, with the same weights.
    ///
    /// # Errors
    /// A tensor of another shape or device; memory.
    fn adjoint(&self, projections: &Tensor) -> Result<Tensor>;
}

/// How a line integral is taken from voxels: the choice of A.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Linear interpolation in the planes across a ray's main axis (Joseph 1982). The fastest; for pixels about as wide
    /// as the voxels' shadows.
    #[default]
    Joseph,
    /// Length of the ray in each voxel, a box of one value (Siddon 1985).
    Siddon,
    /// Area that pixel and voxel share in the planes across the pixel's main axis (De Man & Basu 2004). For pixels
    /// wider than the voxels' shadows.
    DistanceDriven,
}

impl Model {
    /// Every model.
    pub const ALL: [Self; 3] = [Self::Joseph, Self::Siddon, Self::DistanceDriven];

    /// Its functions on the CPU.
    #[must_use]
    pub fn kernels(self) -> Pair {
        use kernels::{distance_driven, joseph, siddon};
        match self {
            Self::Joseph => Pair { forward: joseph::forward, adjoint: joseph::adjoint },
            Self::Siddon => Pair { forward: siddon::forward, adjoint: siddon::adjoint },
            Self::DistanceDriven => Pair { forward: distance_driven::forward, adjoint: distance_driven::adjoint },
        }
    }
}

/// How a detector pixel's value is taken from the voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sampling {
    /// How the line integral of a ray is taken.
    pub model: Model,
    /// Rays of a pixel along each detector axis, whose line integrals are averaged.
    pub sub_rays: usize,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::from(Model::default())
    }
}

impl From<Model> for Sampling {
    /// One ray through the middle of each pixel.
    fn from(model: Model) -> Self {
        Self { model, sub_rays: 1 }
    }
}

/// The projector between `grid` and `geometry` for tensors on `device`: Joseph's as tensor operations on a GPU;
/// everything else by the kernels on the CPU, with a copy there and back from a GPU.
///
/// # Errors
/// A model that the device does not have: none as yet.
pub fn build(
    sampling: impl Into<Sampling>,
    grid: &Grid,
    geometry: &Geometry,
    device: Device,
) -> Result<Box<dyn Projector>> {
    let Sampling { model, sub_rays } = sampling.into();
    let one_ray = |geometry: &Geometry| -> Box<dyn Projector> {
        match (model, device) {
            (Model::Joseph, device) if device != Device::Cpu => {
                Box::new(TensorJoseph::new(grid, geometry, TensorJoseph::SAMPLES))
            }
            _ => Box::new(CpuProjector::new(model, grid, geometry)),
        }
    };
    if sub_rays <= 1 {
        return Ok(one_ray(geometry));
    }
    Ok(Box::new(SubRays::new(grid, geometry, sub_rays, one_ray)))
}

/// ‖A‖², the largest eigenvalue of AᵀA (mm²), by `iterations` of the power method from a constant volume.
///
/// The start is positive and so are A's weights: by Perron–Frobenius it is not orthogonal to the leading eigenvector.
///
/// # Errors
/// As the projector's; a projector none of whose rays meets the grid.
pub fn norm_squared(projector: &dyn Projector, device: Device, iterations: usize) -> Result<f64> {
    let shape = projector.domain().shape.map(|n| n as i64);
    let mut x = Tensor::f_ones(shape, (Kind::Float, device)).map_err(torch_error)?;
    let mut largest = 0.0;
    for _ in 0..iterations {
        let scale = norm(&x).map_err(torch_error)?;
        x = projector.adjoint(&projector.forward(&(x / scale))?)?;
        largest = norm(&x).map_err(torch_error)?;
        if largest <= 0.0 {
            return Err(Error::config("simulate.geometry", "no ray of the scan meets the grid")
                .hint("check isocenter_mm, offset_mm and the grid"));
        }
    }
    Ok(largest)
}

/// Refuses a tensor that is not `[shape]`.
fn expect_shape(tensor: &Tensor, shape: [usize; 3], what: &str) -> Result<()> {
    let expected = shape.map(|n| n as i64);
    if tensor.size() == expected {
        Ok(())
    } else {
        Err(Error::input(what, format!("expected shape {expected:?}, got {:?}", tensor.size())))
    }
}
