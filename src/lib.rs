//! Few X-ray projections to a trustworthy volume.

pub mod data;
pub mod error;
pub mod progress;
pub mod registry;
pub mod report;
