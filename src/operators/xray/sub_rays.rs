//! A projector whose detector pixels each average several rays: P A, where P is the mean over the sub-rays of each
//! pixel. A pixel of a real detector has an area; if voxels are finer than the pixel, a single ray through its centre
//! misses some of them.

use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::operators::LinearOperator;
use crate::operators::linear::expect_shape;
use crate::tensors::torch_error;
use tch::{TchError, Tensor};

/// The operator P A.
pub struct SubRays {
    /// The operator A for the subdivided detector.
    fine: Box<dyn LinearOperator>,
    /// The geometry with the detector's own pixels.
    geometry: Geometry,
    /// Number of sub-rays of a pixel, [between rows, between columns].
    factors: [i64; 2],
}

/// Number of sub-rays of a pixel, [rows, columns]; one row in 2-D, where all rays lie in the plane of the slice.
#[must_use]
pub fn factors(grid: &Grid, sub_rays: usize) -> [usize; 2] {
    if grid.is_2d() { [1, sub_rays] } else { [sub_rays, sub_rays] }
}

impl SubRays {
    /// The operator with `sub_rays` rays along each axis of a pixel; `build` makes A for the subdivided geometry that
    /// it is given.
    ///
    /// # Errors
    /// Errors of `build`.
    pub fn new(
        grid: &Grid,
        geometry: &Geometry,
        sub_rays: usize,
        build: impl FnOnce(&Geometry) -> Result<Box<dyn LinearOperator>>,
    ) -> Result<Self> {
        let [rows, columns] = factors(grid, sub_rays);
        let fine = build(&geometry.subdivided(rows, columns))?;
        Ok(Self { fine, geometry: geometry.clone(), factors: [rows as i64, columns as i64] })
    }

    /// Shape `[view, row, sub-row, column, sub-column]` for this number of sub-rows and sub-columns.
    fn blocks(&self, [rows, columns]: [i64; 2]) -> [i64; 5] {
        let [views, r, c] = self.geometry.shape().map(|n| n as i64);
        [views, r, rows, c, columns]
    }

    fn mean(&self, fine: &Tensor) -> std::result::Result<Tensor, TchError> {
        let [rows, columns] = self.factors;
        let blocks = fine.f_view(self.blocks(self.factors))?;
        let mut sum: Option<Tensor> = None;
        for row in 0..rows {
            for column in 0..columns {
                let part = blocks.f_select(4, column)?.f_select(2, row)?;
                match &mut sum {
                    Some(sum) => drop(sum.f_add_(&part)?),
                    None => sum = Some(part.f_contiguous()?),
                }
            }
        }
        let sum = sum.map_or_else(|| fine.f_zeros_like(), Ok)?;
        sum.f_mul_scalar(1.0 / (rows * columns) as f64)
    }

    fn spread(&self, projections: &Tensor) -> std::result::Result<Tensor, TchError> {
        let [rows, columns] = self.factors;
        let shape = self.fine.range().map(|n| n as i64);
        let scaled = projections.f_mul_scalar(1.0 / (rows * columns) as f64)?;
        scaled.f_view(self.blocks([1, 1]))?.f_expand(self.blocks(self.factors), false)?.f_reshape(shape)
    }
}

impl LinearOperator for SubRays {
    fn domain(&self) -> &Grid {
        self.fine.domain()
    }

    fn range(&self) -> [usize; 3] {
        self.geometry.shape()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        self.mean(&self.fine.forward(volume)?).map_err(torch_error)
    }

    fn adjoint(&self, projections: &Tensor) -> Result<Tensor> {
        expect_shape(projections, self.geometry.shape(), "projections")?;
        self.fine.adjoint(&self.spread(projections).map_err(torch_error)?)
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        let (fine, geometry) = (self.fine.subset(views)?, self.geometry.subset(views)?);
        Ok(Box::new(Self { fine, geometry, factors: self.factors }))
    }
}
