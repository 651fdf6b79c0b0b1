//! Discrete X-ray transforms: [`LinearOperator`]s from a [`Grid`] of voxels to the pixels of a [`Geometry`]. Volumes
//! are tensors `[z, y, x]` (1/mm, or any unit), projections `[view, row, column]` (that unit times mm). There are
//! implementations as plain CPU functions ([`kernels`]), as CUDA kernels ([`device`]), and of Joseph's method as tensor
//! operations of any float kind ([`TensorJoseph`]); [`build`] chooses between the first two.

mod cpu;
pub mod device;
pub mod kernels;
mod radiographs;
pub mod rays;
mod sub_rays;
mod tensor_joseph;

pub use cpu::{CpuProjector, Map, Pair};
pub use radiographs::radiographs;
pub use sub_rays::{SubRays, factors as sub_ray_factors};
pub use tensor_joseph::TensorJoseph;

use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::operators::LinearOperator;
use crate::tensors::cuda::Card;
use device::OnCard;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Device;

/// Discretisation of the line integral, which defines A.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Linear interpolation in the planes across a ray's main axis (Joseph 1982). The fastest; suited to pixels about
    /// as wide as the projection of a voxel onto the detector.
    #[default]
    Joseph,
    /// Length of the ray in each voxel, with constant attenuation inside the voxel (Siddon 1985).
    Siddon,
    /// Overlap area of pixel and voxel in the planes across the pixel's main axis (De Man & Basu 2004). Suited to
    /// pixels wider than the projection of a voxel onto the detector.
    DistanceDriven,
}

impl Model {
    /// Every model.
    pub const ALL: [Self; 3] = [Self::Joseph, Self::Siddon, Self::DistanceDriven];

    /// The CPU kernels of the model.
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

/// Model and number of rays by which the value of a detector pixel is computed from the voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sampling {
    /// Discretisation of the line integral along a ray.
    pub model: Model,
    /// Number of rays along each axis of a detector pixel, whose line integrals are averaged.
    pub sub_rays: usize,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::from(Model::default())
    }
}

impl From<Model> for Sampling {
    /// One ray through the centre of each pixel.
    fn from(model: Model) -> Self {
        Self { model, sub_rays: 1 }
    }
}

/// Builds the projector between `grid` and `geometry` for tensors on `device`. Joseph's model runs on the device
/// itself; the other models run on the CPU, with copies from and to a GPU.
///
/// # Errors
/// A GPU that was not opened; memory.
pub fn build(
    sampling: impl Into<Sampling>,
    grid: &Grid,
    geometry: &Geometry,
    device: Device,
) -> Result<Box<dyn LinearOperator>> {
    let Sampling { model, sub_rays } = sampling.into();
    let one_ray = |geometry: &Geometry| -> Result<Box<dyn LinearOperator>> {
        match (model, Card::of(device)?) {
            (Model::Joseph, Some(card)) => Ok(Box::new(OnCard::new(card, grid, geometry)?)),
            _ => Ok(Box::new(CpuProjector::new(model, grid, geometry))),
        }
    };
    if sub_rays <= 1 {
        return one_ray(geometry);
    }
    Ok(Box::new(SubRays::new(grid, geometry, sub_rays, one_ray)?))
}

/// Backprojects filtered projections `[view, row, column]` to a volume `[z, y, x]` on `device`, each view weighted by
/// (source to isocentre / source to voxel)², which is 1 in a parallel beam: see [`kernels::backproject::fdk`].
///
/// # Errors
/// A GPU that was not opened, or lacks the memory.
///
/// # Panics
/// On the CPU, if the number of projections is not that of the geometry.
pub fn backproject(device: Device, grid: &Grid, geometry: &Geometry, filtered: &[f32]) -> Result<Vec<f32>> {
    if let Some(card) = Card::of(device)? {
        return device::backproject(&card, grid, geometry, filtered);
    }
    let mut volume = vec![0.0; grid.voxels()];
    kernels::backproject::fdk(grid, geometry, filtered, &mut volume);
    Ok(volume)
}
