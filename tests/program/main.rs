//! Tests of the program as a user runs it: commands, pipelines, exit codes, files, and messages on stderr.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; helpers are tests too")]

#[path = "../common/mod.rs"]
mod common;

mod acquire;
mod batch;
mod batch_disk;
mod batch_slurm;
mod bench;
mod browser;
mod calibrate;
mod cli;
mod corrections;
mod described;
mod examples;
mod faults;
mod gpu_kit;
mod guides;
mod inputs;
mod logs;
mod nerf;
mod physics;
mod pipelines;
mod render;
mod resume;
mod scanners;
mod slices;
mod terminals;
mod tiff_folders;
mod train_prior;
mod views;
mod volumes;
mod worked_examples;
