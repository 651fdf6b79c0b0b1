//! Fields, regularisers and Adam on a CUDA GPU. The kernels are in the `.cu` files of this folder; each does the same
//! arithmetic as its CPU counterpart in [`kernels`](super::kernels), [`regularizers`](super::regularizers) or
//! [`optimizers`](crate::optimizers).

mod hash_grid;
mod sine;
pub mod variation;

pub(super) use hash_grid::{gather, scatter};
pub(super) use sine::SineLayers;

use crate::tensors::cuda::Source;

/// Total variation, its Huber and logarithmic variants, and their primal-dual steps.
pub static VARIATION: Source = Source { name: "variation", parts: &[include_str!("variation.cu")] };

/// Interpolation from grids of features.
pub static HASH_GRID: Source = Source { name: "hash_grid", parts: &[include_str!("hash_grid.cu")] };

/// Activations of sine layers.
pub static SINE: Source = Source { name: "sine", parts: &[include_str!("sine.cu")] };

/// One step of Adam.
pub static ADAM: Source = Source { name: "adam", parts: &[include_str!("adam.cu")] };

/// All kernel sources of this folder.
pub static SOURCES: [&Source; 4] = [&VARIATION, &HASH_GRID, &SINE, &ADAM];
