//! Reconstruction of a volume from few X-ray projections: sparse-view CT by classical methods and by implicit neural
//! representations.
//!
//! ```text
//!  load ──► simulate ──► reconstruct (one or many methods) ──► evaluate ──► export
//! Volume    Projections          Volume per method              Report      files
//! ```
//!
//! [`pipeline::Pipeline::run`] is this diagram as code: read it first. The data types are in [`data`], the file formats
//! in [`formats`], the steps of a run in [`stages`]. The parts that can be chosen in YAML (`geometries`, `algorithms`,
//! `fields`, ...) are families of interchangeable kinds, see [`registry`] and `docs/extending.md`.
//!
//! # Units and axes
//!
//! | what | unit and order |
//! |---|---|
//! | lengths | mm |
//! | angles | degrees in YAML (`*_deg`), radians inside |
//! | attenuation | 1/mm; air is 0 |
//! | Hounsfield units | mu = mu_water (1 + HU / 1000), mu_water = 0.0206 /mm |
//! | world axes | LPS as DICOM: +x patient left, +y posterior, +z superior |
//! | arrays over voxels | `[z, y, x]`; a slice is `[1, ny, nx]` |
//! | projections | `[view, row, column]`, line integrals, unitless |
//! | points | (x, y, z) |
//! | field coordinates | (p − centre of the grid) / half its longest extent, order (x, y, z) |
//! | field values | mu / mu_ref, mu_ref = 2.5 mu_water |
//!
//! # Example
//!
//! ```
//! use recon::data::{Grid, Quantity, Volume};
//!
//! let grid = Grid::centered([4, 4, 4], [1.0; 3], [0.0; 3])?;
//! let water = Volume::filled(grid, Quantity::Hounsfield, 0.0);
//! assert!((water.to_attenuation(0.0206).as_slice()[0] - 0.0206).abs() < 1e-7);
//! # Ok::<(), recon::error::Error>(())
//! ```

pub mod algorithms;
pub mod appearance;
pub mod assignment;
pub mod batch;
pub mod benchmarks;
pub mod cameras;
pub mod cli;
pub mod commands;
pub mod context;
pub mod data;
pub mod error;
pub mod fields;
pub mod formats;
pub mod geometries;
pub mod input_path;
pub mod jobs;
pub mod memory;
pub mod metrics;
pub mod operators;
pub mod optimizers;
pub mod phantoms;
pub mod physics;
pub mod pipeline;
pub mod progress;
pub mod random;
pub mod registry;
pub mod renderers;
pub mod report;
pub mod require;
pub mod schedulers;
pub mod stages;
pub mod tensors;
pub mod terminal;
pub mod training;
mod yaml;
