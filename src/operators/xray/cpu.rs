//! CPU projectors for tensors: passes the memory of CPU tensors to the [`kernels`](super::kernels) without a copy.

use super::Model;
use crate::data::{Detector, Geometry, Grid, View};
use crate::error::Result;
use crate::operators::LinearOperator;
use crate::operators::linear::expect_shape;
use crate::tensors::{lend, lend_mut, torch_error};
use tch::{Device, Kind, Tensor};

/// One direction of a projector as a plain function of grid, views, detector, input (read) and output (overwritten).
pub type Map = fn(&Grid, &[View], &Detector, &[f32], &mut [f32]);

/// The kernels of a projector: A and its exact transpose, on volumes `[z, y, x]` and projections `[view, row, column]`
/// in C order.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Volume to projections.
    pub forward: Map,
    /// Projections to volume, with the same weights.
    pub adjoint: Map,
}

/// A projector of any [`Model`] on the CPU in f32. Tensors on another device or of another kind are converted and the
/// results converted back.
#[derive(Debug, Clone)]
pub struct CpuProjector {
    model: Model,
    grid: Grid,
    geometry: Geometry,
}

impl CpuProjector {
    /// The projector between `grid` and `geometry`.
    #[must_use]
    pub fn new(model: Model, grid: &Grid, geometry: &Geometry) -> Self {
        Self { model, grid: grid.clone(), geometry: geometry.clone() }
    }

    fn apply(&self, map: Map, from: &Tensor, shape: [usize; 3]) -> Result<Tensor> {
        let (device, kind) = (from.device(), from.kind());
        let values = from
            .f_to_device(Device::Cpu)
            .and_then(|t| t.f_to_kind(Kind::Float)?.f_contiguous())
            .map_err(torch_error)?;
        let mut result = Tensor::f_empty(shape.map(|n| n as i64), (Kind::Float, Device::Cpu)).map_err(torch_error)?;
        map(&self.grid, &self.geometry.views, &self.geometry.detector, lend(&values)?, lend_mut(&mut result)?);
        result.f_to_kind(kind).and_then(|t| t.f_to_device(device)).map_err(torch_error)
    }
}

impl LinearOperator for CpuProjector {
    fn domain(&self) -> &Grid {
        &self.grid
    }

    fn range(&self) -> [usize; 3] {
        self.geometry.shape()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        expect_shape(volume, self.grid.shape, "volume")?;
        self.apply(self.model.kernels().forward, volume, self.geometry.shape())
    }

    fn adjoint(&self, projections: &Tensor) -> Result<Tensor> {
        expect_shape(projections, self.geometry.shape(), "projections")?;
        self.apply(self.model.kernels().adjoint, projections, self.grid.shape)
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        Ok(Box::new(Self::new(self.model, &self.grid, &self.geometry.subset(views)?)))
    }
}
