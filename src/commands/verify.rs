//! `recon verify RUN`: whether every file of a run is still the one that was written.

use super::Output;
use crate::context::{hash_file, layout};
use crate::error::{Error, Result};
use crate::progress;
use crate::stages::export::{FileHash, Manifest};
use std::path::{Path, PathBuf};

/// What `recon verify` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
}

/// Hashes everything the manifest speaks of.
///
/// # Errors
/// A folder without a manifest; a file that is missing or changed, by name. Inputs that are gone are only warned about.
pub fn run(args: &Args) -> Result<Output> {
    let path = args.run.join(layout::MANIFEST);
    let text = std::fs::read(&path)
        .map_err(|error| Error::read(&path, &error).hint("this is not the folder of a finished run"))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| Error::input(&path, format!("not a manifest: {error}")))?;
    for file in manifest.inputs.iter().filter(|file| !args.run.join(&file.path).exists()) {
        progress::warn("input_gone", &format!("{}: the input is gone and was not checked", file.path));
    }
    let present = manifest.inputs.iter().filter(|file| args.run.join(&file.path).exists());
    let faults: Vec<(PathBuf, String)> =
        manifest.outputs.iter().chain(present).filter_map(|file| fault(&args.run, file)).collect();
    match faults.split_first() {
        None => {
            let count = manifest.outputs.len();
            Ok(Output {
                text: format!("{count} files unchanged"),
                value: serde_json::json!({"unchanged": count}),
                summary: String::new(),
            })
        }
        Some(((place, problem), others)) => {
            let lines = others.iter().map(|(place, problem)| format!("{}: {problem}", place.display()));
            let all: Vec<String> = std::iter::once(problem.clone()).chain(lines).collect();
            Err(Error::input(place, all.join("\n"))
                .hint("run the pipeline again to restore what is missing or changed"))
        }
    }
}

/// What is wrong with a file, if anything.
fn fault(root: &Path, file: &FileHash) -> Option<(PathBuf, String)> {
    let path = root.join(&file.path);
    let problem = match hash_file(&path) {
        Ok((found, _)) if found == file.blake3 => return None,
        Ok((_, bytes)) if bytes != file.bytes => format!("changed: expected {} bytes, got {bytes}", file.bytes),
        Ok((found, _)) => format!("changed: expected blake3 {:.16}..., got {found:.16}...", file.blake3),
        Err(error) => error.to_string().replace(&format!("{}: ", path.display()), ""),
    };
    Some((path, problem))
}
