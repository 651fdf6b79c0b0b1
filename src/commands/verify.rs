//! `recon verify RUN`: checks every file of a run against the hash (BLAKE3) in its manifest.

use super::Output;
use crate::context::{Inputs, hash_bytes, hash_file, layout};
use crate::error::{Error, Result};
use crate::formats::dicom::Identity;
use crate::input_path::InputPath;
use crate::progress;
use crate::stages::export::{FileHash, Manifest};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Arguments of `recon verify`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// Folder of the run
    pub run: PathBuf,
    /// Input file or folder of the run, needed if the run folder does not name its inputs (identity: drop); repeatable
    #[arg(long = "input", value_name = "PATH")]
    pub inputs: Vec<PathBuf>,
}

/// Hashes every file in the manifest: outputs, records, the log, and the inputs that can be found.
///
/// # Errors
/// A folder without a manifest; files that are missing or changed, by name. Without `--input`, an input that no longer
/// exists gives only a warning.
pub fn run(args: &Args) -> Result<Output> {
    let path = args.run.join(layout::MANIFEST);
    let text = std::fs::read(&path)
        .map_err(|error| Error::read(&path, &error).hint("this is not the folder of a finished run"))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| Error::input(&path, format!("not a manifest: {error}")))?;
    let (inputs, mut faults) = inputs(&manifest, args)?;
    let written: Vec<&FileHash> = manifest.outputs.iter().chain(&manifest.records).collect();
    faults.extend(written.iter().filter_map(|file| fault(&args.run, file)));
    faults.extend(manifest.log.iter().filter_map(|log| log_fault(&args.run, log)));
    match faults.split_first() {
        None => {
            let outputs = written.len() + usize::from(manifest.log.is_some());
            Ok(Output {
                text: format!("{outputs} files unchanged, {inputs} of {} inputs unchanged", manifest.inputs.len()),
                value: serde_json::json!({"unchanged": outputs, "inputs_unchanged": inputs,
                    "inputs": manifest.inputs.len()}),
                summary: String::new(),
            })
        }
        Some(((place, problem), others)) => {
            let lines = others.iter().map(|(place, problem)| format!("{}: {problem}", progress::place(place)));
            let all: Vec<String> = std::iter::once(problem.clone()).chain(lines).collect();
            Err(Error::input(place, all.join("\n"))
                .hint("run the pipeline again to restore what is missing or changed"))
        }
    }
}

/// Path of a file, and the problem with it.
type Fault = (PathBuf, String);

/// The number of unchanged inputs, and the problems of the others. Inputs are looked up by the paths in the manifest
/// or, if the user gives `--input`, by their hashes among the given files.
fn inputs(manifest: &Manifest, args: &Args) -> Result<(usize, Vec<Fault>)> {
    if !args.inputs.is_empty() {
        let paths: Vec<InputPath> = args.inputs.iter().map(InputPath::from).collect();
        let found = Inputs::of(&paths)?;
        let same = |file: &&FileHash| found.files().iter().any(|there| there.blake3 == file.blake3);
        let lost = |file: &FileHash| (PathBuf::from(&file.path), "none of the given files has its hash".to_string());
        let (unchanged, gone): (Vec<_>, Vec<_>) = manifest.inputs.iter().partition(same);
        return Ok((unchanged.len(), gone.into_iter().map(lost).collect()));
    }
    if manifest.identity == Identity::Drop && !manifest.inputs.is_empty() {
        let count = manifest.inputs.len();
        let message =
            format!("{count} inputs are not named in this run folder and were not checked: give --input PATH");
        progress::warn("inputs_not_named", &message);
        return Ok((0, Vec::new()));
    }
    let (present, gone): (Vec<_>, Vec<_>) = manifest.inputs.iter().partition(|file| args.run.join(&file.path).exists());
    for file in gone {
        progress::warn("input_gone", &format!("{}: the input is gone and was not checked", file.path));
    }
    let faults: Vec<Fault> = present.iter().filter_map(|file| fault(&args.run, file)).collect();
    Ok((present.len() - faults.len(), faults))
}

/// The problem with the log, if any: it may have grown since the run, but its first `log.bytes` bytes must be
/// unchanged.
fn log_fault(root: &Path, log: &FileHash) -> Option<Fault> {
    let path = root.join(&log.path);
    let mut bytes = Vec::new();
    let problem = match File::open(&path).and_then(|file| file.take(log.bytes).read_to_end(&mut bytes)) {
        Err(error) => error.to_string(),
        Ok(_) if hash_bytes(&bytes) == log.blake3 => return None,
        Ok(_) => format!("changed: its first {} bytes are not those that were written", log.bytes),
    };
    Some((path, problem))
}

/// The problem with a file, if any.
fn fault(root: &Path, file: &FileHash) -> Option<Fault> {
    let path = root.join(&file.path);
    let problem = match hash_file(&path) {
        Ok((found, _)) if found == file.blake3 => return None,
        Ok((_, bytes)) if bytes != file.bytes => format!("changed: expected {} bytes, got {bytes}", file.bytes),
        Ok((found, _)) => format!("changed: expected blake3 {:.16}..., got {found:.16}...", file.blake3),
        Err(error) => error.to_string().replace(&format!("{}: ", progress::place(&path)), ""),
    };
    Some((path, problem))
}
