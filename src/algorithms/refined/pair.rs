//! A start and its truth, to be learned from; made once and kept as a file.

use super::prior::encode;
use crate::algorithms::named_array::NamedArray;
use crate::error::{Error, Result};
use safetensors::tensor::SafeTensors;
use std::collections::HashMap;

/// Axial slices `[z, y, x]` in C order, in units of mu_ref.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// [z, y, x].
    pub shape: [usize; 3],
    /// What was scanned.
    pub truth: Vec<f32>,
    /// Total variation.
    pub start: Vec<f32>,
    /// The filtered backprojection of its residual.
    pub residual: Vec<f32>,
}

impl Pair {
    /// The pair as the bytes of a safetensors file, with a text about it.
    ///
    /// # Errors
    /// Memory.
    pub fn write(&self, about: &str) -> Result<Vec<u8>> {
        let parts = [("truth", &self.truth), ("start", &self.start), ("residual", &self.residual)];
        let array = |(name, values): (&str, &Vec<f32>)| NamedArray {
            name: name.to_string(),
            shape: self.shape.to_vec(),
            values: values.clone(),
        };
        encode(&parts.map(array), HashMap::from([("about".to_string(), about.to_string())]))
    }

    /// Reads what [`Pair::write`] wrote, and the text.
    ///
    /// # Errors
    /// Bytes that are no such file.
    pub fn read(bytes: &[u8]) -> Result<(Self, String)> {
        let fault = |problem: String| Error::input("pair", problem);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| fault(error.to_string()))?;
        let about = header.metadata().as_ref().and_then(|all| all.get("about")).cloned().unwrap_or_default();
        let file = SafeTensors::deserialize(bytes).map_err(|error| fault(error.to_string()))?;
        let part = |name: &str| -> Result<([usize; 3], Vec<f32>)> {
            let view = file.tensor(name).map_err(|error| fault(error.to_string()))?;
            let shape = <[usize; 3]>::try_from(view.shape()).map_err(|_| fault(format!("`{name}` has no 3 axes")))?;
            Ok((shape, view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()))
        };
        let [truth, start, residual] = ["truth", "start", "residual"].map(part);
        let ((shape, truth), (a, start), (b, residual)) = (truth?, start?, residual?);
        if shape != a || shape != b {
            return Err(fault(format!("its parts differ in shape: {shape:?}, {a:?}, {b:?}")));
        }
        Ok((Self { shape, truth, start, residual }, about))
    }
}
