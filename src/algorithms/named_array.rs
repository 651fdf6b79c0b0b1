//! [`NamedArray`]: a tensor as plain values, and safetensors files of such arrays with named texts as metadata, used
//! for checkpoints and trained weights.

use crate::error::Result;
use crate::tensors::to_vec;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use tch::Tensor;

/// A named tensor as plain values.
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

/// Encodes arrays, and texts as metadata, as the bytes of a safetensors file.
///
/// # Errors
/// A shape that does not match the number of values.
pub(super) fn encode<'a>(
    arrays: impl IntoIterator<Item = &'a NamedArray>,
    texts: HashMap<String, String>,
) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let all: Vec<&NamedArray> = arrays.into_iter().collect();
    let bytes: Vec<Vec<u8>> =
        all.iter().map(|array| array.values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = all.iter().zip(&bytes).map(|(array, bytes)| {
        TensorView::new(Dtype::F32, array.shape.clone(), bytes).map(|view| (array.name.clone(), view))
    });
    safetensors::serialize(views.collect::<std::result::Result<Vec<_>, _>>()?, Some(texts))
}

/// The metadata texts of a file; empty if it has none.
///
/// # Errors
/// Bytes that are not a safetensors file.
pub(super) fn texts(bytes: &[u8]) -> std::result::Result<HashMap<String, String>, SafeTensorError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    Ok(header.metadata().clone().unwrap_or_default())
}

/// The arrays of a safetensors file.
///
/// # Errors
/// As text: bytes that are not a safetensors file; values that are not f32.
pub(super) fn decode(bytes: &[u8]) -> std::result::Result<Vec<NamedArray>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let one = |(name, view): (&str, TensorView<'_>)| {
        if view.dtype() != Dtype::F32 {
            return Err(format!("`{name}`: expected f32, got {:?}", view.dtype()));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(NamedArray { name: name.to_string(), shape: view.shape().to_vec(), values })
    };
    file.iter().map(one).collect()
}
