//! `recon compare A B`: every metric of B against A.

use super::{Output, rows, volumes};
use crate::error::{Error, Result};
use crate::metrics::{self, Comparison};
use crate::progress::Progress;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What `recon compare` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The truth: a NIfTI file (HU) or a DICOM folder
    pub truth: PathBuf,
    /// What is measured against it, on the same lattice
    pub found: PathBuf,
}

/// Compares the volumes.
///
/// # Errors
/// Files that cannot be read, volumes on different lattices.
pub fn run(args: &Args, progress: &dyn Progress) -> Result<Output> {
    let (truth, found) = (volumes::read(&args.truth, progress)?, volumes::read(&args.found, progress)?);
    if !truth.grid.matches(&found.grid, 0.01) {
        let place = |grid: &crate::data::Grid| format!("{:?} voxels of {:?} mm from {:.2?}", grid.shape, grid.spacing, grid.origin);
        let problem = format!("expected the lattice of {} ({}), got {}", args.truth.display(), place(&truth.grid), place(&found.grid));
        return Err(Error::input(&args.found, problem).hint("only volumes with the same voxels in the same place are compared"));
    }
    let comparison = Comparison { truth: &truth, found: &found, mask: None };
    let mut lines = Vec::new();
    let mut figures = Map::new();
    for metric in metrics::names().into_iter().filter_map(metrics::by_name) {
        let unit = metric.definition(&comparison).unit;
        let (shown, value) = match metric.measure(&comparison) {
            Ok(Some(value)) => (format!("{value:.4} {unit}"), Value::from(value)),
            Ok(None) => ("not defined for these volumes".to_string(), Value::Null),
            Err(reason) => (format!("not defined: {reason}"), Value::Null),
        };
        lines.push((metric.key(), shown));
        figures.insert(metric.key().to_string(), value);
    }
    Ok(Output { text: rows(&lines), value: Value::Object(figures), summary: String::new() })
}
