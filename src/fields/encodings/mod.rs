//! Encodings of a point, the input of a network. A family: one file and one line here per encoding.
//!
//! Networks of few smooth neurons learn low frequencies first (Rahaman et al., ICML 2019). An encoding gives them
//! functions of the point in which detail is easy to represent: waves (`basic`, `positional`, `nerf`, `fourier`) or
//! features stored in space (`dense_grid`, `hash_grid`, `tri_plane`), which learn fastest. Tables and formulas:
//! docs/fields.md.

pub mod basic;
pub mod dense_grid;
pub mod fourier;
mod grids;
pub mod hash_grid;
pub mod identity;
pub mod nerf;
pub mod positional;
pub mod tri_plane;
mod waves;

use super::Parameter;
use super::kernels::levels::Levels;
use crate::error::Result;
use tch::{Device, Kind, TchError, Tensor};

/// An encoding with its trained tables.
pub trait Encoder: std::fmt::Debug {
    /// Features `[n, width]` of `points` `[n, inputs]`, as a differentiable tensor expression.
    ///
    /// # Errors
    /// When memory runs out.
    fn encode(&self, points: &Tensor) -> std::result::Result<Tensor, TchError>;
    /// The grids and their table, if the features are interpolated from a table without further processing.
    fn table(&self) -> Option<(&Levels, &Tensor)> {
        None
    }
}

/// The result of [`Encoding::build`]: the encoder, and the tensors it uses, for the field's list of parameters.
pub struct Built {
    /// The encoder.
    pub encoder: Box<dyn Encoder>,
    /// The encoder's tensors, with names that are unique within it.
    pub parameters: Vec<Parameter>,
}

/// Configuration of an encoding.
pub trait Encoding {
    /// Refuses an invalid configuration for points of `inputs` coordinates, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self, inputs: usize) -> Result<()>;
    /// Number of features of a point.
    fn width(&self, inputs: usize) -> usize;
    /// Number of table entries that are read for a point; 0 without a table.
    fn reads(&self, _inputs: usize) -> usize {
        0
    }
    /// Number of trainable values.
    fn trainable(&self, _inputs: usize) -> usize {
        0
    }
    /// Builds the encoder for points of `inputs` coordinates; the same seed gives the same tables on every device.
    ///
    /// # Errors
    /// A configuration that [`Encoding::check`] refuses; when memory runs out.
    fn build(&self, inputs: usize, seed: u64, options: (Kind, Device)) -> Result<Built>;
}

crate::kinds! {
    /// The encodings of a point.
    pub enum EncodingKind: "encoding" => dyn Encoding {
        /// The plain coordinates.
        identity => Identity(identity::Config),
        /// One wave per coordinate, with one period across the box.
        basic => Basic(basic::Config),
        /// Waves along the axes, with logarithmically spaced frequencies.
        positional => Positional(positional::Config),
        /// Waves along the axes, one per octave (NeRF).
        nerf => Nerf(nerf::Config),
        /// Waves of random directions and frequencies (Gaussian Fourier features).
        fourier => Fourier(fourier::Config),
        /// Features in grids of several resolutions; the nodes of fine grids share table rows by a hash.
        hash_grid => HashGrid(hash_grid::Config),
        /// Features in grids of several resolutions, one table row per node.
        dense_grid => DenseGrid(dense_grid::Config),
        /// Features in the three planes xy, xz and yz; volumes only.
        tri_plane => TriPlane(tri_plane::Config),
    }
}

#[cfg(test)]
mod tests;
