//! An operator whose measurements are multiplied by factors: F A with F diagonal. If F² holds the inverse variances of
//! the data, the least-squares solution of F A x = F y is the weighted least-squares solution of A x = y.

use super::LinearOperator;
use crate::data::Grid;
use crate::error::Result;
use crate::tensors::{indices, torch_error};
use tch::Tensor;

/// The operator F A.
pub struct Weighted {
    /// The operator A.
    pub operator: Box<dyn LinearOperator>,
    /// The diagonal of F, in the shape of the measurements.
    pub factors: Tensor,
}

impl LinearOperator for Weighted {
    fn domain(&self) -> &Grid {
        self.operator.domain()
    }

    fn range(&self) -> [usize; 3] {
        self.operator.range()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        let mut measurements = self.operator.forward(volume)?;
        let _ = measurements.f_mul_(&self.factors).map_err(torch_error)?;
        Ok(measurements)
    }

    fn adjoint(&self, measurements: &Tensor) -> Result<Tensor> {
        self.operator.adjoint(&measurements.f_mul(&self.factors).map_err(torch_error)?)
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        let operator = self.operator.subset(views)?;
        let numbers = indices(views, self.factors.device())?;
        let factors = self.factors.f_index_select(0, &numbers).map_err(torch_error)?;
        Ok(Box::new(Self { operator, factors }))
    }
}
