//! A projector whose rays are multiplied by factors: F A with F diagonal. With F² the inverse variances of the data,
//! least squares of F A x = F y are weighted least squares of A x = y.

use super::Projector;
use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::tensors::torch_error;
use tch::Tensor;

/// F A.
pub struct Weighted {
    /// A.
    pub projector: Box<dyn Projector>,
    /// The diagonal of F, `[view, row, column]`.
    pub factors: Tensor,
}

impl Projector for Weighted {
    fn domain(&self) -> &Grid {
        self.projector.domain()
    }

    fn range(&self) -> &Geometry {
        self.projector.range()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        let mut projections = self.projector.forward(volume)?;
        let _ = projections.f_mul_(&self.factors).map_err(torch_error)?;
        Ok(projections)
    }

    fn adjoint(&self, projections: &Tensor) -> Result<Tensor> {
        self.projector.adjoint(&projections.f_mul(&self.factors).map_err(torch_error)?)
    }
}
