//! Projectors on a CUDA GPU: Joseph's line integrals with their exact adjoint, and the backprojection of analytic
//! reconstruction. The kernels are in `joseph.cu` and `backproject.cu`; their CPU counterparts are in
//! [`kernels`](super::kernels).

mod backprojection;
mod joseph;

pub use backprojection::backproject;
pub use joseph::OnCard;

use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::operators::xray::kernels::lowered::{self, Pixels};
use crate::tensors::cuda::{Argument, Source};
use crate::tensors::torch_error;
use tch::{Device, Tensor};

/// CUDA source of Joseph's projector.
pub static JOSEPH: Source = Source { name: "joseph", parts: &[include_str!("scan.h"), include_str!("joseph.cu")] };

/// CUDA source of the backprojection of FDK and FBP.
pub static BACKPROJECT: Source =
    Source { name: "backproject", parts: &[include_str!("scan.h"), include_str!("backproject.cu")] };

/// All CUDA sources of this folder.
pub static SOURCES: [&Source; 2] = [&JOSEPH, &BACKPROJECT];

/// The `View` structures of a scan in the memory of a device, `[view, number]`.
fn lowered_views(grid: &Grid, geometry: &Geometry, pixels: Pixels, device: Device) -> Result<Tensor> {
    let numbers = lowered::views(grid, geometry, pixels);
    let shape = [geometry.views.len() as i64, lowered::NUMBERS as i64];
    let table = Tensor::f_from_slice(&numbers).and_then(|t| t.f_view(shape)?.f_to_device(device));
    table.map_err(torch_error)
}

/// The structure `Scan` for `views` views.
fn scan_of(grid: &Grid, geometry: &Geometry, views: usize) -> Argument {
    Argument::structure("Scan", lowered::scan(grid, geometry, views))
}
