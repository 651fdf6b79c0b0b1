//! Few X-ray projections to a trustworthy volume.

pub mod data;
pub mod error;
pub mod geometries;
pub mod metrics;
pub mod phantoms;
pub mod physics;
pub mod progress;
pub mod registry;
