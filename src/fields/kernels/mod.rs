//! CPU functions on slices that evaluate fields and compute their gradients; they know neither tensors nor files nor
//! configurations.
//!
//! Points are `[n, inputs]`, features `[n, width]`, in C order. All functions run on the calling rayon pool and give
//! the same bits for any number of threads.

pub mod levels;
pub mod neurons;
pub mod perceptron;
pub mod pointwise;
