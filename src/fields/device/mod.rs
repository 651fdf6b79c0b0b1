//! Fields, their penalties and their optimiser on a CUDA card. The kernels are in the `.cu` files beside; their twins
//! are the CPU's, in [`kernels`](super::kernels), [`regularizers`](super::regularizers) and
//! [`optimizers`](crate::optimizers).

mod hash_grid;
mod sine;
pub mod variation;

pub(super) use hash_grid::{gather, scatter};
pub(super) use sine::SineLayers;

use crate::tensors::cuda::Source;

/// Total variation and its kin.
pub static VARIATION: Source = Source { name: "variation", parts: &[include_str!("variation.cu")] };

/// Grids of feature vectors.
pub static HASH_GRID: Source = Source { name: "hash_grid", parts: &[include_str!("hash_grid.cu")] };

/// Sine layers.
pub static SINE: Source = Source { name: "sine", parts: &[include_str!("sine.cu")] };

/// Adam.
pub static ADAM: Source = Source { name: "adam", parts: &[include_str!("adam.cu")] };

/// Every source of this folder.
pub static SOURCES: [&Source; 4] = [&VARIATION, &HASH_GRID, &SINE, &ADAM];
