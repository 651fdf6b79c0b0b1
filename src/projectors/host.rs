//! The CPU projector's tensor face: lends tensors' memory to [`kernels::joseph`](super::kernels::joseph) without a copy.

use super::kernels::joseph;
use super::{Projector, expect_shape};
use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::tensors::{lend, lend_mut, torch_error};
use tch::{Device, Kind, Tensor};

/// Joseph's method on the CPU, f32. See [`kernels::joseph`](super::kernels::joseph) for its weights.
#[derive(Debug, Clone)]
pub struct HostJoseph {
    grid: Grid,
    geometry: Geometry,
}

impl HostJoseph {
    /// The projector between `grid` and `geometry`.
    #[must_use]
    pub fn new(grid: &Grid, geometry: &Geometry) -> Self {
        Self { grid: grid.clone(), geometry: geometry.clone() }
    }

    fn empty(shape: [usize; 3]) -> Result<Tensor> {
        Tensor::f_empty(shape.map(|n| n as i64), (Kind::Float, Device::Cpu)).map_err(torch_error)
    }
}

impl Projector for HostJoseph {
    fn domain(&self) -> &Grid {
        &self.grid
    }

    fn range(&self) -> &Geometry {
        &self.geometry
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        expect_shape(volume, self.grid.shape, "volume")?;
        let (volume, mut projections) = (volume.contiguous(), Self::empty(self.geometry.shape())?);
        joseph::forward(&self.grid, &self.geometry.views, &self.geometry.detector, lend(&volume)?, lend_mut(&mut projections)?);
        Ok(projections)
    }

    fn adjoint(&self, projections: &Tensor) -> Result<Tensor> {
        expect_shape(projections, self.geometry.shape(), "projections")?;
        let (projections, mut volume) = (projections.contiguous(), Self::empty(self.grid.shape)?);
        joseph::adjoint(&self.grid, &self.geometry.views, &self.geometry.detector, lend(&projections)?, lend_mut(&mut volume)?);
        Ok(volume)
    }
}
