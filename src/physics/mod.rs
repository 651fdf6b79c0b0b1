//! Ideal projections to what a detector would have measured.

pub mod noise;
mod subrays;

pub use noise::{NoiseConfig, Normalisation, add_noise};
pub use subrays::average_subrays;
