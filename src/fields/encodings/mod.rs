//! Encodings: what a network is told about a point. A family: one file and one line here per encoding.
//!
//! Networks of few smooth neurons learn low frequencies first (Rahaman et al., ICML 2019); an encoding gives them
//! functions of the point in which detail is easy: waves (`basic`, `positional`, `nerf`, `fourier`) or features stored
//! in space (`dense_grid`, `hash_grid`, `tri_plane`), which learn fastest. Tables and formulas side by side:
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

/// An encoding with its tables.
pub trait Encoder: std::fmt::Debug {
    /// Features `[n, width]` of `points` `[n, inputs]`, as a differentiable tensor expression.
    ///
    /// # Errors
    /// When memory runs out.
    fn encode(&self, points: &Tensor) -> std::result::Result<Tensor, TchError>;
    /// If the features are interpolated in a table and nothing else happens to them: the grids and the table.
    fn table(&self) -> Option<(&Levels, &Tensor)> {
        None
    }
}

/// What [`Encoding::build`] makes: the encoder, and the tensors it shares with it, for the field's list of parameters.
pub struct Built {
    /// The encoder.
    pub encoder: Box<dyn Encoder>,
    /// Its tensors, with names that are unique within it.
    pub parameters: Vec<Parameter>,
}

/// A family member's configuration.
pub trait Encoding {
    /// Refuses what makes no sense for points of `inputs` coordinates, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self, inputs: usize) -> Result<()>;
    /// Features of a point.
    fn width(&self, inputs: usize) -> usize;
    /// Table entries that a point reads; 0 without a table.
    fn reads(&self, _inputs: usize) -> usize {
        0
    }
    /// Trainable numbers.
    fn trainable(&self, _inputs: usize) -> usize {
        0
    }
    /// The encoder for points of `inputs` coordinates; the same seed gives the same tables on every device.
    ///
    /// # Errors
    /// What [`Encoding::check`] refuses; memory.
    fn build(&self, inputs: usize, seed: u64, options: (Kind, Device)) -> Result<Built>;
}

crate::kinds! {
    /// What a network is told about a point.
    pub enum EncodingKind: "encoding" => dyn Encoding {
        /// The coordinates as they are.
        identity => Identity(identity::Config),
        /// One wave per coordinate.
        basic => Basic(basic::Config),
        /// Waves of log-linear frequencies.
        positional => Positional(positional::Config),
        /// Waves of octaves.
        nerf => Nerf(nerf::Config),
        /// Waves of random directions and frequencies.
        fourier => Fourier(fourier::Config),
        /// Features in grids of several resolutions, rows shared by a hash.
        hash_grid => HashGrid(hash_grid::Config),
        /// Features in grids of several resolutions.
        dense_grid => DenseGrid(dense_grid::Config),
        /// Features in the planes xy, xz and yz.
        tri_plane => TriPlane(tri_plane::Config),
    }
}

#[cfg(test)]
mod tests;
