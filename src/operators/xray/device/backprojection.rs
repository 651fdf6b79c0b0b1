//! Backprojection of filtered projections on a GPU.

use super::{BACKPROJECT, lowered_views, scan_of};
use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::operators::xray::kernels::lowered::Pixels;
use crate::tensors::cuda::{Argument, Card, Kernel};
use crate::tensors::{from_slice, to_vec, torch_error};
use tch::{Kind, Tensor};

const KERNEL: Kernel = Kernel { source: &BACKPROJECT, name: "backproject" };

/// The GPU version of [`fdk`](crate::operators::xray::kernels::backproject::fdk): backprojects filtered projections
/// `[view, row, column]` to a volume `[z, y, x]`, each view weighted by (source to isocentre / source to voxel)².
///
/// # Errors
/// Lack of memory; errors of the CUDA driver.
pub fn backproject(card: &Card, grid: &Grid, geometry: &Geometry, filtered: &[f32]) -> Result<Vec<f32>> {
    let device = card.device();
    let views = lowered_views(grid, geometry, Pixels::Value, device)?;
    let from = from_slice(filtered, &geometry.shape(), device)?;
    let to = Tensor::f_empty(grid.shape.map(|n| n as i64), (Kind::Float, device)).map_err(torch_error)?;
    let scan = scan_of(grid, geometry, geometry.views.len());
    let [from, values] = [&from, &to].map(|tensor| Argument::memory(tensor, device));
    card.launch(&KERNEL, grid.voxels(), &[Argument::records("View*", &views, device)?, scan, from?, values?])?;
    to_vec(&to)
}
