//! Hashes of files, and paths relative to a folder.

use crate::error::{Error, Result};
use crate::input_path;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Path, hash and length of an input file when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Path of the file.
    pub path: PathBuf,
    /// blake3 hash of its content, in hex.
    pub blake3: String,
    /// Length, bytes.
    pub bytes: u64,
}

impl InputFile {
    /// Whether the file was written or replaced since `then` and its content differs now. A deleted file does not count
    /// as replaced.
    pub(super) fn is_replaced_since(&self, then: SystemTime) -> bool {
        let Ok(found) = std::fs::metadata(&self.path) else { return false };
        let touched = found.len() != self.bytes || changed(&found).is_none_or(|changed| changed >= then);
        touched && hash_file(&self.path).is_ok_and(|(blake3, _)| blake3 != self.blake3)
    }
}

/// Time (ctime) at which the file's content, name or owner last changed; unlike the modification time, a copying
/// program cannot set it.
#[cfg(unix)]
fn changed(found: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let seconds = u64::try_from(found.ctime()).ok()?;
    // Rounded up by one second, because the time stamps of file systems are coarse.
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds + 1))
}

#[cfg(not(unix))]
fn changed(found: &Metadata) -> Option<SystemTime> {
    found.modified().ok()
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
    input_path::open(path)
        .and_then(|file| hasher.update_reader(file).map(drop))
        .map_err(|error| Error::read(path, &error))?;
    Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
}

/// Path from `folder` to `file`, with forward slashes. If either of them does not exist, returns `file` unchanged.
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
