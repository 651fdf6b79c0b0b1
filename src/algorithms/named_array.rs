//! [`NamedArray`]: a tensor as plain values, as a checkpoint keeps it.

use crate::error::Result;
use crate::tensors::to_vec;
use tch::Tensor;

/// A tensor as plain values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedArray {
    /// Its name in the file.
    pub(super) name: String,
    /// Its shape.
    pub(super) shape: Vec<usize>,
    /// Its values in C order.
    pub(super) values: Vec<f32>,
}

impl NamedArray {
    /// The values of a tensor under a name.
    ///
    /// # Errors
    /// When memory runs out.
    pub(super) fn new(name: String, tensor: &Tensor) -> Result<Self> {
        Ok(Self { name, shape: tensor.size().iter().map(|&n| n as usize).collect(), values: to_vec(tensor)? })
    }

    /// The values as a tensor of the kind and on the device of another.
    pub(super) fn tensor(&self, like: &Tensor) -> Tensor {
        let shape: Vec<i64> = self.shape.iter().map(|&n| n as i64).collect();
        Tensor::from_slice(&self.values).view(&shape[..]).to_device(like.device()).to_kind(like.kind())
    }
}
