//! The interface to iterative methods: a linear map A from volumes to measurements, and its exact adjoint.

use crate::data::Grid;
use crate::error::{Error, Result};
use crate::tensors::{norm, torch_error};
use std::rc::Rc;
use tch::{Device, Kind, Tensor};

/// A linear map A from the volumes on a grid to the measurements of some views, and its exact adjoint Aᵀ.
///
/// A volume is a tensor `[z, y, x]`. Measurements have the shape [`LinearOperator::range`], with the views along the
/// first axis. Results are new tensors without gradients; to differentiate through A, apply its adjoint explicitly.
pub trait LinearOperator {
    /// The grid of the volumes.
    fn domain(&self) -> &Grid;
    /// The shape of the measurements, such as `[view, row, column]`.
    fn range(&self) -> [usize; 3];
    /// A x.
    ///
    /// # Errors
    /// A tensor of another shape or on another device; lack of memory.
    fn forward(&self, volume: &Tensor) -> Result<Tensor>;
    /// Aᵀ y: the transpose, with the same weights.
    ///
    /// # Errors
    /// A tensor of another shape or on another device; lack of memory.
    fn adjoint(&self, measurements: &Tensor) -> Result<Tensor>;
    /// The rows of A for the views of indices `views`, in that order.
    ///
    /// # Errors
    /// An index beyond the last view; lack of memory.
    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>>;
}

impl LinearOperator for Rc<dyn LinearOperator> {
    fn domain(&self) -> &Grid {
        self.as_ref().domain()
    }

    fn range(&self) -> [usize; 3] {
        self.as_ref().range()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        self.as_ref().forward(volume)
    }

    fn adjoint(&self, measurements: &Tensor) -> Result<Tensor> {
        self.as_ref().adjoint(measurements)
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        self.as_ref().subset(views)
    }
}

/// ‖A‖², the largest eigenvalue of AᵀA (mm² for line integrals), by `iterations` iterations of the power method from a
/// constant volume; a lower estimate.
///
/// The initial volume is positive and the weights of A are not negative: by Perron–Frobenius it is not orthogonal to
/// the leading eigenvector.
///
/// # Errors
/// Errors of the operator; an operator whose rays all miss its grid.
pub fn norm_squared(operator: &dyn LinearOperator, device: Device, iterations: usize) -> Result<f64> {
    let shape = operator.domain().shape.map(|n| n as i64);
    let mut x = Tensor::f_ones(shape, (Kind::Float, device)).map_err(torch_error)?;
    let mut largest = 0.0;
    for _ in 0..iterations {
        let scale = norm(&x).map_err(torch_error)?;
        x = operator.adjoint(&operator.forward(&(x / scale))?)?;
        largest = norm(&x).map_err(torch_error)?;
        if largest <= 0.0 {
            return Err(Error::config("simulate.geometry", "no ray of the scan meets the grid")
                .hint("check isocenter_mm, offset_mm and the grid"));
        }
    }
    Ok(largest)
}

/// Refuses a tensor whose shape is not `shape`; `what` names it in the message.
///
/// # Errors
/// [`Error::Input`] with both shapes.
pub fn expect_shape(tensor: &Tensor, shape: [usize; 3], what: &str) -> Result<()> {
    let expected = shape.map(|n| n as i64);
    if tensor.size() == expected {
        Ok(())
    } else {
        Err(Error::input(what, format!("expected shape {expected:?}, got {:?}", tensor.size())))
    }
}
