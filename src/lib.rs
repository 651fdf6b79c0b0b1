//! Few X-ray projections to a trustworthy volume.

pub mod data;
pub mod error;
pub mod formats;
pub mod progress;
pub mod registry;
