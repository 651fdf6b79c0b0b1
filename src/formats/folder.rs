//! Describes a folder that no other format claims, by the files in it.

use super::describe::{Candidate, Description};
use super::{FORMATS, Format};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Largest number of files of a folder that are examined.
const MOST: usize = 50;

/// The entry in the list of formats: the last, since it claims every folder with a file that another understands.
pub(super) const FORMAT: Format = Format { name: "folder", looks_like: "files of these formats", describe };

fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    if !candidate.is_folder {
        return None;
    }
    files(candidate.path).and_then(|files| of(&files)).transpose()
}

/// The files directly in a folder, sorted by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = listed.map_err(|error| Error::read(folder, &error))?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

/// Describes the only recognized file in full, or lists several with their kinds; `None` if no file is recognized.
fn of(files: &[PathBuf]) -> Result<Option<Description>> {
    let mut found = recognized(files)?;
    let others = files.len() - found.len();
    let mut description = Description::new("folder");
    if found.len() == 1 {
        let Some((name, single)) = found.pop() else { return Ok(None) };
        let single = single?;
        description.kind = format!("folder with one {}", single.kind);
        description.row("file", name);
        description.rows.extend(single.rows);
        description.warnings = single.warnings;
    } else if found.is_empty() {
        return Ok(None);
    }
    for (name, single) in found {
        description.row(name, single.map_or_else(|error| error.to_string(), |single| single.kind));
    }
    if others > 0 {
        description.row("other files", others.to_string());
    }
    Ok(Some(description))
}

/// The names of the recognized files among the first ones, with their descriptions.
fn recognized(files: &[PathBuf]) -> Result<Vec<(String, Result<Description>)>> {
    let mut found = Vec::new();
    for file in files.iter().take(MOST) {
        let candidate = Candidate::open(file)?;
        if let Some(description) = FORMATS.iter().find_map(|format| (format.describe)(&candidate)) {
            found.push((candidate.name, description));
        }
    }
    Ok(found)
}
