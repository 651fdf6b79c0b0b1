//! A training example: a total variation volume and the true one; made once and kept as a file.

use crate::algorithms::named_array::{self, NamedArray};
use crate::error::{Error, Result};
use std::collections::HashMap;

/// A training example of axial slices `[z, y, x]` in C order, in units of mu_ref.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Number of voxels along z, y, x.
    pub shape: [usize; 3],
    /// The true volume that was scanned.
    pub truth: Vec<f32>,
    /// The total variation volume.
    pub start: Vec<f32>,
    /// The filtered backprojection of the residual of `start`.
    pub residual: Vec<f32>,
}

impl Pair {
    /// Encodes the pair as the bytes of a safetensors file, with the text `about` as metadata.
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
        named_array::encode(&parts.map(array), HashMap::from([("about".to_string(), about.to_string())]))
            .map_err(|error| Error::input("pair", error))
    }

    /// Reads a pair and its text from the bytes that [`Pair::write`] made.
    ///
    /// # Errors
    /// Bytes that are not such a file.
    pub fn read(bytes: &[u8]) -> Result<(Self, String)> {
        let fault = |problem: String| Error::input("pair", problem);
        let texts = named_array::texts(bytes).map_err(|error| fault(error.to_string()))?;
        let about = texts.get("about").cloned().unwrap_or_default();
        let mut arrays = named_array::decode(bytes).map_err(fault)?;
        let mut part = |name: &str| -> Result<([usize; 3], Vec<f32>)> {
            let at = arrays.iter().position(|array| array.name == name);
            let array = at.map(|at| arrays.swap_remove(at)).ok_or_else(|| fault(format!("lacks `{name}`")))?;
            let shape = <[usize; 3]>::try_from(array.shape).map_err(|_| fault(format!("`{name}` has no 3 axes")))?;
            Ok((shape, array.values))
        };
        let [truth, start, residual] = ["truth", "start", "residual"].map(&mut part);
        let ((shape, truth), (a, start), (b, residual)) = (truth?, start?, residual?);
        if shape != a || shape != b {
            return Err(fault(format!("its parts differ in shape: {shape:?}, {a:?}, {b:?}")));
        }
        Ok((Self { shape, truth, start, residual }, about))
    }
}
