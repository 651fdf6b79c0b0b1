//! Atomic writing: every file that this crate writes goes through here, so that none is ever left half written.
//!
//! The steps: temporary name in the same folder → own `BufWriter` → flush → sync → length check → rename → sync folder.
//! On any failure the temporary file is removed and the final path is as it was before; a process killed in between
//! leaves a `.partial-*` file, which [`sweep`] removes at the next start.

use crate::error::{Error, Result};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Prefix of temporary names.
const PREFIX: &str = ".partial-";
/// Characters (up to 4 bytes each) of the final name that the temporary one repeats, so that it stays within the 255
/// bytes of common file systems.
const REPEATED: usize = 45;

/// Writes `bytes` to `path`, completely or not at all.
///
/// # Errors
/// [`Error::Resource`] when the folder is missing or not writable, or the disk is full; `path` is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |out| out.write_all(bytes))
}

/// Writes to `path` what `f` writes to its argument (buffered), completely or not at all.
///
/// # Errors
/// [`Error::Resource`] when `f` fails, the folder is missing or not writable, or the disk is full; `path` is then
/// untouched.
pub fn write_with(path: &Path, f: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    replace(path, f).map_err(|error| Error::write(path, &error))
}

/// Removes the `.partial-*` files in `folder` that no living process of this machine is writing. Errors are ignored: a
/// file that cannot be removed is left. Call it at program start, before anything is written to the folder.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && owner(&name).is_some_and(|pid| pid == std::process::id() || !alive(pid)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn replace(path: &Path, f: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary = Temporary::create(folder, name)?;
    let mut out = Counted { inner: BufWriter::with_capacity(1 << 18, &temporary.file), written: 0 };
    f(&mut out)?;
    out.flush()?;
    let written = out.written;
    drop(out);
    temporary.file.sync_all()?;
    let on_disk = temporary.file.metadata()?.len();
    if on_disk != written {
        return Err(io::Error::other(format!("wrote {written} bytes but {on_disk} are on disk")));
    }
    temporary.rename(path)?;
    // Without this a power failure may undo the rename; not every file system supports it.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// A temporary file that is removed when dropped, unless it was renamed.
struct Temporary {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    fn create(folder: &Path, name: &OsStr) -> io::Result<Self> {
        let name: String = name.to_string_lossy().chars().take(REPEATED).collect();
        let path = folder.join(format!("{PREFIX}{}-{name}", std::process::id()));
        // `create_new` follows no link that somebody else may have put there.
        let create = || OpenOptions::new().write(true).create_new(true).open(&path);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(&path)?;
                create()?
            }
            other => other?,
        };
        Ok(Self { file, path, kept: false })
    }

    fn rename(mut self, to: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, to)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A writer that counts its bytes, to compare their number with the size of the file on disk.
struct Counted<W> {
    inner: W,
    written: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.written += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Process ID in a temporary name.
fn owner(name: &OsStr) -> Option<u32> {
    name.to_str()?.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

/// Whether a process with this ID is running on this machine; assumed to be so where `/proc` is missing.
fn alive(pid: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(pid.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_in_the_middle_keeps_the_old_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write(&path, b"old").unwrap();
        let error = write_with(&path, |out| {
            out.write_all(&vec![1; 1 << 20])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        })
        .unwrap_err();
        assert_eq!(error.exit_code(), 5);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[test]
    fn a_missing_folder_a_folder_in_the_way_and_a_path_without_a_name_are_resource_errors() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("taken/x")).unwrap();
        for path in [folder.path().join("no/such/file"), folder.path().join("taken"), PathBuf::from("/")] {
            assert_eq!(write(&path, b"x").unwrap_err().exit_code(), 5, "{}", path.display());
        }
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn long_and_non_ascii_names_work() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{}.nii.gz", "ü".repeat(120)));
        write(&path, b"x").unwrap();
        assert_eq!(names(folder.path()).len(), 1);
    }

    #[test]
    fn sweeping_takes_dead_leftovers_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let own = format!(".partial-{}-b", std::process::id());
        let living = format!(".partial-{}-c", child.id());
        for name in [".partial-4294967294-a", own.as_str(), living.as_str(), "volume.nii", ".partial-notes"] {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        sweep(folder.path());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(names(folder.path()), [living.as_str(), ".partial-notes", "volume.nii"]);
    }
}
