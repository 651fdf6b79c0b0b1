//! Hashes of files.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// An input file as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Where it was.
    pub path: PathBuf,
    /// Its hash.
    pub blake3: String,
    /// Its length.
    pub bytes: u64,
}

/// blake3 of bytes, in hex.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// blake3 of a file, in hex, and its length in bytes.
///
/// # Errors
/// A file that cannot be read.
pub fn hash_file(path: &Path) -> Result<(String, u64)> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| hasher.update_reader(file).map(drop))
        .map_err(|error| Error::read(path, &error))?;
    Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
}

/// The path that leads from `folder` to `file`, with forward slashes; both must exist, else `file` as it is.
#[must_use]
pub fn relative(folder: &Path, file: &Path) -> String {
    let (Ok(from), Ok(to)) = (folder.canonicalize(), file.canonicalize()) else { return file.display().to_string() };
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_string());
    let down = to[shared..].iter().map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::write(path, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_lead_back() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        std::fs::create_dir_all(root.join("runs/ct")).unwrap();
        std::fs::create_dir_all(root.join("phantoms")).unwrap();
        std::fs::write(root.join("phantoms/a.yaml"), "x").unwrap();
        assert_eq!(relative(&root.join("runs/ct"), &root.join("runs/../phantoms/a.yaml")), "../../phantoms/a.yaml");
        assert_eq!(relative(root, &root.join("phantoms/a.yaml")), "phantoms/a.yaml");
        assert_eq!(relative(root, Path::new("not/there")), "not/there");
    }
}
