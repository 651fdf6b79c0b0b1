//! CPU projectors as plain functions on slices, without tensors, files or configuration.
//!
//! Volumes are `[z, y, x]`, projections `[view, row, column]`, both in C order. All functions run on the calling rayon
//! pool, and their results are bit-identical for any number of threads.

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
