//! Plain functions on slices that do the projecting on a CPU: no tensors, no files, no configuration.
//!
//! Volumes are `[z, y, x]`, projections `[view, row, column]`, both in C order. Everything runs on the rayon pool it is
//! called in, and gives the same bits for any number of threads.

pub mod backproject;
pub mod coverage;
mod crossing;
pub mod distance_driven;
mod fan;
pub mod filter;
pub mod joseph;
mod lines;
pub mod lowered;
mod overlap;
mod pixels;
mod pull;
mod push;
mod rays;
mod sheets;
pub mod siddon;
pub mod simd;
mod single;
pub mod support;
mod transpose;
mod weights;
