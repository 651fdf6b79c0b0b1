//! Few X-ray projections to a trustworthy volume.

pub mod algorithms;
pub mod cli;
pub mod commands;
pub mod context;
pub mod data;
pub mod error;
pub mod fields;
pub mod formats;
pub mod geometries;
pub mod metrics;
pub mod optimizers;
pub mod phantoms;
pub mod physics;
pub mod pipeline;
pub mod progress;
pub mod projectors;
pub mod random;
pub mod registry;
pub mod report;
pub mod stages;
pub mod tensors;
pub mod terminal;
