//! The volume of every method in formats other than NIfTI, `METHOD/volume.*`.

use super::{Results, VolumeFormat};
use crate::context::Context;
use crate::error::Result;
use crate::formats;

/// Writes the volumes. Returns the names of the files, relative to the run folder.
pub(super) fn write(wanted: &[VolumeFormat], results: &Results, context: &Context) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for outcome in results.outcomes {
        let Some(result) = &outcome.result else { continue };
        for ending in wanted.iter().filter_map(|format| format.ending()) {
            let path = context.folder.make(&outcome.name)?.join(format!("volume{ending}"));
            for file in formats::write_volume(&path, &result.volume, outcome.algorithm)? {
                files.push(context.folder.relative(&file)?);
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}
