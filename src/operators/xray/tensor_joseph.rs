//! Joseph's projector as tensor operations, for any device and any float kind. It gathers voxels in chunks of bounded
//! size; its adjoint scatters with the same weights. It is the reference for the CPU and GPU kernels, and the projector
//! of fields that are not f32.
//!
//! Joseph, "An improved algorithm for reprojecting rays through pixel images", IEEE TMI 1982: in every plane of voxel
//! centres across the axis along which a ray crosses most planes, the volume is interpolated linearly along the two
//! other axes; it is zero outside the grid.

use super::rays::{IndexRay, of_samples};
use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::operators::LinearOperator;
use crate::operators::linear::expect_shape;
use crate::tensors::torch_error;
use tch::{Device, Kind, TchError, Tensor};

/// Joseph's method by tensor operations, in chunks of at most `samples` interpolations.
#[derive(Debug, Clone)]
pub struct TensorJoseph {
    grid: Grid,
    geometry: Geometry,
    samples: usize,
}

/// Interpolation stencil of some rays with one main axis: voxel `indices` and `weights` (mm), both `[rays, planes,
/// corners]`, and the flat sample indices `rays`.
struct Stencil {
    rays: Tensor,
    indices: Tensor,
    weights: Tensor,
}

impl TensorJoseph {
    /// Number of interpolations per chunk for which its memory is about half a gigabyte.
    pub const SAMPLES: usize = 1 << 22;

    /// The projector between `grid` and `geometry`; `samples` bounds the interpolations held at once.
    #[must_use]
    pub fn new(grid: &Grid, geometry: &Geometry, samples: usize) -> Self {
        Self { grid: grid.clone(), geometry: geometry.clone(), samples }
    }

    /// Calls `visit` with the stencils of all rays, chunk by chunk.
    fn chunks(&self, kind: Kind, device: Device, mut visit: impl FnMut(&Stencil) -> Result<()>) -> Result<()> {
        let longest = self.grid.shape.iter().copied().max().unwrap_or(1);
        let rays = (self.samples / longest).max(1);
        let total = self.geometry.samples();
        for first in (0..total).step_by(rays) {
            let chunk = of_samples(&self.grid, &self.geometry, first..(first + rays).min(total));
            // Rays that pass outside the box, but within one voxel of it, still have weights in its outermost voxels.
            for axis in 0..3 {
                let members: Vec<usize> =
                    (0..chunk.len()).filter(|&i| chunk[i].main_axis(self.grid.is_2d()) == axis).collect();
                if !members.is_empty() {
                    visit(&self.stencil(&chunk, &members, first, axis, kind, device).map_err(torch_error)?)?;
                }
            }
        }
        Ok(())
    }

    fn stencil(
        &self,
        chunk: &[IndexRay],
        members: &[usize],
        first: usize,
        main: usize,
        kind: Kind,
        device: Device,
    ) -> std::result::Result<Stencil, TchError> {
        let column = |value: &dyn Fn(&IndexRay) -> f64| -> std::result::Result<Tensor, TchError> {
            let values: Vec<f64> = members.iter().map(|&i| value(&chunk[i])).collect();
            Tensor::f_from_slice(&values)?.f_to_device(device)?.f_unsqueeze(1)
        };
        let shape = self.grid.shape.map(|n| n as i64);
        let strides = [shape[1] * shape[2], shape[2], 1];
        let planes = Tensor::f_arange(shape[main], (Kind::Double, device))?.f_unsqueeze(0)?;
        let t = (planes.f_sub(&column(&|r| r.origin[main])?)?).f_div(&column(&|r| r.direction[main])?)?;
        // Begin with one corner per plane; each interpolated axis doubles the number of corners.
        let mut indices =
            planes.f_mul_scalar(strides[main])?.f_to_kind(Kind::Int64)?.f_expand_as(&t)?.f_unsqueeze(2)?;
        let ahead = t.f_ge_tensor(&column(&|r| r.begin)?)?.f_to_kind(Kind::Double)?;
        let mut weights = column(&|r| 1.0 / r.direction[main].abs())?.f_mul(&ahead)?.f_unsqueeze(2)?;
        for axis in (usize::from(self.grid.is_2d())..3).filter(|&axis| axis != main) {
            let at = t.f_mul(&column(&|r| r.direction[axis])?)?.f_add(&column(&|r| r.origin[axis])?)?;
            let low = at.f_floor()?;
            let fraction = at.f_sub(&low)?;
            let low = low.f_clamp(-2.0, shape[axis] as f64)?.f_to_kind(Kind::Int64)?;
            let mut corners = Vec::with_capacity(2);
            for (corner, weight) in
                [(&low + 0, fraction.f_neg()?.f_add_scalar(1.0)?), (&low + 1, fraction.shallow_clone())]
            {
                let inside = corner.f_ge(0)?.f_logical_and(&corner.f_lt(shape[axis])?)?.f_to_kind(Kind::Double)?;
                let offset = corner.f_clamp(0, shape[axis] - 1)?.f_mul_scalar(strides[axis])?;
                corners.push((offset.f_unsqueeze(2)?, weight.f_mul(&inside)?.f_unsqueeze(2)?));
            }
            indices = Tensor::f_cat(&[indices.f_add(&corners[0].0)?, indices.f_add(&corners[1].0)?], 2)?;
            weights = Tensor::f_cat(&[weights.f_mul(&corners[0].1)?, weights.f_mul(&corners[1].1)?], 2)?;
        }
        let numbers: Vec<i64> = members.iter().map(|&i| (first + i) as i64).collect();
        Ok(Stencil {
            rays: Tensor::f_from_slice(&numbers)?.f_to_device(device)?,
            indices,
            weights: weights.f_to_kind(kind)?,
        })
    }
}

impl LinearOperator for TensorJoseph {
    fn domain(&self) -> &Grid {
        &self.grid
    }

    fn range(&self) -> [usize; 3] {
        self.geometry.shape()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        expect_shape(volume, self.grid.shape, "volume")?;
        let flat = volume.detach().contiguous().view(-1);
        let result =
            Tensor::f_zeros([self.geometry.samples() as i64], (volume.kind(), volume.device())).map_err(torch_error)?;
        self.chunks(volume.kind(), volume.device(), |stencil| {
            let apply = || {
                let sampled = flat.f_take(&stencil.indices)?.f_mul(&stencil.weights)?;
                let integrals = sampled.f_sum_dim_intlist([1i64, 2].as_slice(), false, volume.kind())?;
                result.shallow_clone().f_index_copy_(0, &stencil.rays, &integrals)
            };
            apply().map(|_| ()).map_err(torch_error)
        })?;
        Ok(result.view(self.geometry.shape().map(|n| n as i64)))
    }

    fn adjoint(&self, projections: &Tensor) -> Result<Tensor> {
        expect_shape(projections, self.geometry.shape(), "projections")?;
        let flat = projections.detach().contiguous().view(-1);
        let result = Tensor::f_zeros([self.grid.voxels() as i64], (projections.kind(), projections.device()))
            .map_err(torch_error)?;
        self.chunks(projections.kind(), projections.device(), |stencil| {
            let apply = || {
                let values = flat.f_index_select(0, &stencil.rays)?.f_view([-1, 1, 1])?.f_mul(&stencil.weights)?;
                result.shallow_clone().f_index_add_(0, &stencil.indices.f_reshape([-1])?, &values.f_reshape([-1])?)
            };
            apply().map(|_| ()).map_err(torch_error)
        })?;
        Ok(result.view(self.grid.shape.map(|n| n as i64)))
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        Ok(Box::new(Self::new(&self.grid, &self.geometry.subset(views)?, self.samples)))
    }
}
