//! Plain functions on slices that evaluate fields on a CPU and take their gradients: no tensors, no files, no
//! configuration.
//!
//! Points are `[n, inputs]`, features `[n, width]`, in C order. Everything runs on the rayon pool it is called in, and
//! gives the same bits for any number of threads.

pub mod levels;
pub mod neurons;
pub mod perceptron;
pub mod pointwise;
