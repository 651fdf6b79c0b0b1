//! `recon info PATH`: what a file or folder is.

use super::{Output, described, rows};
use crate::error::Result;
use crate::formats;
use crate::progress;
use std::path::PathBuf;

/// What `recon info` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// A volume of any format, a NumPy, HDF5, TIFF or MATLAB file, a geometry, a folder of them, a pipeline, a run
    pub path: PathBuf,
    /// Show free texts and identifiers of the file too (descriptions, UIDs): they may name the patient
    #[arg(long)]
    pub texts: bool,
}

/// Describes the path.
///
/// # Errors
/// What is not there or not known.
pub fn run(args: &Args) -> Result<Output> {
    let mut found = match described::run_or_pipeline(&args.path)? {
        Some(found) => found,
        None => formats::describe(&args.path)?,
    };
    if args.texts {
        found.rows.append(&mut found.texts);
    }
    for warning in &found.warnings {
        progress::warn(&warning.code, &warning.message);
    }
    let value = serde_json::json!({"kind": found.kind, "rows": found.rows, "warnings": found.warnings});
    let mut lines = vec![("kind".to_string(), found.kind)];
    lines.extend(found.rows);
    Ok(Output { text: rows(&lines), value, summary: String::new() })
}
