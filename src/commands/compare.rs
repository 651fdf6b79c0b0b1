//! `recon compare A B`: every metric of B against A.

use super::{Output, rows, volumes};
use crate::error::{Error, Result};
use crate::metrics::{Comparison, METRICS};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What `recon compare` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The truth, HU: a volume in any format (NIfTI, MetaImage, NRRD, a DICOM folder, ...)
    pub truth: PathBuf,
    /// What is measured against it, on the same grid
    pub found: PathBuf,
}

/// Compares the volumes.
///
/// # Errors
/// Files that cannot be read, volumes on different grids.
pub fn run(args: &Args) -> Result<Output> {
    let (truth, found) = (volumes::read(&args.truth)?, volumes::read(&args.found)?);
    let comparison = Comparison::new(&truth, &found, None).map_err(|error| match error {
        Error::Input { problem, hint, .. } => Error::Input { place: args.found.clone(), problem, hint },
        other => other,
    })?;
    let mut lines = Vec::new();
    let mut figures = Map::new();
    for metric in METRICS {
        let measured = metric.measure(&comparison);
        let shown = measured.as_ref().map_or_else(
            |reason| format!("does not exist: {reason}"),
            |value| format!("{value:.4} {}", metric.unit().trim_matches('1')),
        );
        lines.push((metric.key(), shown));
        figures.insert(metric.key().to_string(), measured.map_or(Value::Null, Value::from));
    }
    Ok(Output { text: rows(&lines), value: Value::Object(figures), summary: String::new() })
}
