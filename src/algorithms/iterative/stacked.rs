//! Tikhonov-regularised least squares written as an ordinary least-squares problem, ‖[A; α‖A‖L] x − [y; 0]‖²,
//! restricted to the support. L is the identity or the gradient.
//!
//! A. N. Tikhonov, Soviet Math. Dokl. 4, 1963. Used by `cgls` and `lsqr`.

use super::{LinearSystem, vectors};
use crate::error::Result;
use crate::fields::regularizers::total_variation as tv;
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Quadratic penalty α² ‖A‖² ‖L x‖².
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tikhonov {
    /// Weight α, relative to ‖A‖ (α ‖A‖ is the `damp` of LSQR by Paige and Saunders); 0 is no penalty.
    pub weight: f64,
    /// Operator L of the penalty: the values themselves or their differences.
    pub operator: Operator,
}

/// The operator L of a penalty ‖L x‖².
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Operator {
    /// Penalises the voxel values (L is the identity).
    #[default]
    Identity,
    /// Penalises differences between neighbouring voxels (L is the gradient).
    Gradient,
}

impl Tikhonov {
    /// Refuses a weight that is negative or not finite.
    pub(in crate::algorithms) fn check(&self) -> Result<()> {
        require::not_negative("tikhonov.weight", self.weight)
    }
}

/// The stacked operator [A; α‖A‖L].
pub(in crate::algorithms) struct Stacked<'a> {
    system: &'a LinearSystem<'a>,
    /// α‖A‖.
    factor: f64,
    operator: Operator,
    axes: Vec<(usize, f64)>,
}

/// A vector in the range of [`Stacked`]: the tensor of A first, then those of L.
pub(in crate::algorithms) type Blocks = Vec<Tensor>;

impl<'a> Stacked<'a> {
    pub(in crate::algorithms) fn new(system: &'a LinearSystem<'a>, tikhonov: Tikhonov) -> Result<Self> {
        // On a grid k times finer the differences between voxels are k times smaller, the values are not.
        let finer = if tikhonov.operator == Operator::Gradient { system.lattice } else { 1.0 };
        let factor = if tikhonov.weight > 0.0 { tikhonov.weight * finer * system.norm_squared()?.sqrt() } else { 0.0 };
        Ok(Self { system, factor, operator: tikhonov.operator, axes: tv::axes(system.operator.domain()) })
    }

    /// [A; α‖A‖L] x; x must be 0 outside the support.
    pub(in crate::algorithms) fn forward(&self, x: &Tensor) -> Result<Blocks> {
        let mut blocks = vec![self.system.operator.forward(x)?];
        if self.factor > 0.0 {
            blocks.extend(self.penalty(x).map_err(torch_error)?);
        }
        Ok(blocks)
    }

    fn penalty(&self, x: &Tensor) -> std::result::Result<Blocks, TchError> {
        let parts = match self.operator {
            Operator::Identity => vec![vectors::copied(x)?],
            Operator::Gradient => tv::gradient(x, &self.axes)?,
        };
        parts.into_iter().map(|mut part| part.f_mul_scalar_(self.factor)).collect()
    }

    /// The adjoint of [`Stacked::forward`].
    pub(in crate::algorithms) fn adjoint(&self, blocks: &[Tensor]) -> Result<Tensor> {
        let mut x = self.system.operator.adjoint(&blocks[0])?;
        let mut finish = || -> std::result::Result<(), TchError> {
            if let [_, rest @ ..] = blocks
                && !rest.is_empty()
            {
                match self.operator {
                    Operator::Identity => vectors::add_scaled(&mut x, self.factor, &rest[0])?,
                    Operator::Gradient => {
                        vectors::add_scaled(&mut x, self.factor, &tv::gradient_adjoint(rest, &self.axes)?)?;
                    }
                }
            }
            self.system.masked(&mut x)
        };
        finish().map_err(torch_error)?;
        Ok(x)
    }

    /// [y; 0] − [A; α‖A‖L] x for the system's start x.
    pub(in crate::algorithms) fn first_residual(&self, x: &Tensor) -> Result<Blocks> {
        let mut blocks = self.forward(x)?;
        for (i, block) in blocks.iter_mut().enumerate() {
            let _ = block.f_neg_().map_err(torch_error)?;
            if i == 0 {
                let _ = block.f_add_(&self.system.data).map_err(torch_error)?;
            }
        }
        Ok(blocks)
    }
}

/// ⟨a, a⟩ over all blocks.
pub(in crate::algorithms) fn square(blocks: &[Tensor]) -> Result<f64> {
    blocks.iter().try_fold(0.0, |sum, block| Ok(sum + vectors::dot(block, block).map_err(torch_error)?))
}

/// a ← a + factor · b, block by block.
pub(in crate::algorithms) fn add_scaled(a: &mut [Tensor], factor: f64, b: &[Tensor]) -> Result<()> {
    a.iter_mut().zip(b).try_for_each(|(a, b)| vectors::add_scaled(a, factor, b)).map_err(torch_error)
}

/// a ← factor · a, block by block.
pub(in crate::algorithms) fn scale(a: &mut [Tensor], factor: f64) -> Result<()> {
    a.iter_mut().try_for_each(|a| a.f_mul_scalar_(factor).map(drop)).map_err(torch_error)
}
