//! `recon info PATH`: describes a file or folder.

use super::{Output, described, rows};
use crate::error::Result;
use crate::formats;
use crate::progress;
use std::path::PathBuf;

/// Arguments of `recon info`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// A volume in any format, a NumPy, HDF5, TIFF or MATLAB file, a geometry, a folder of these, a pipeline or a run
    /// folder
    pub path: PathBuf,
    /// Also show free texts and identifiers of the file (descriptions, UIDs), which may name the patient
    #[arg(long)]
    pub texts: bool,
}

/// Describes the file or folder.
///
/// # Errors
/// A path that does not exist, or a file of an unknown format.
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
