//! [`RunFolder`]: the folder of a run's results, with a lock that keeps other processes out.

use super::layout;
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// An open run folder. The lock belongs to the operating system, so it is released when the process ends in any way.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Creates the folder if necessary, locks it and removes partly written files of killed processes.
    ///
    /// # Errors
    /// The folder cannot be written, another process is using it (named by its process id), or a symbolic link is in
    /// the place of a file that the run writes.
    pub fn open(root: &Path) -> Result<Self> {
        let cache = root.join(".cache");
        refuse_link(&cache)?;
        std::fs::create_dir_all(&cache).map_err(|error| Error::write(root, &error))?;
        let path = cache.join("lock");
        [&path, &root.join(layout::LOG)].into_iter().try_for_each(|file| refuse_link(file))?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| Error::write(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(root, file)),
            Err(TryLockError::Error(error)) => return Err(Error::write(&path, &error)),
        }
        sign(&file).map_err(|error| Error::write(&path, &error))?;
        atomic::sweep(root);
        atomic::sweep(&cache);
        Ok(Self { root: root.to_path_buf(), _lock: file })
    }

    /// Path of the folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Path of a file that is given relative to the folder.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Name of a file in the folder, relative to it.
    ///
    /// # Errors
    /// A file that is not in the folder.
    pub fn relative(&self, path: &Path) -> Result<String> {
        let inside = path.strip_prefix(&self.root).map_err(|error| Error::resource(progress::place(path), error))?;
        Ok(inside.to_string_lossy().into_owned())
    }

    /// Creates a folder inside the run folder and removes partly written files from it.
    ///
    /// # Errors
    /// The folder cannot be created, or it is a symbolic link.
    pub fn make(&self, relative: &str) -> Result<PathBuf> {
        let path = self.path(relative);
        let inside = path.ancestors().take_while(|folder| *folder != self.root);
        inside.collect::<Vec<_>>().into_iter().rev().try_for_each(refuse_link)?;
        std::fs::create_dir_all(&path).map_err(|error| Error::write(&path, &error))?;
        atomic::sweep(&path);
        Ok(path)
    }
}

/// Refuses a symbolic link: a run writes into its own folder only, and a link would lead its results elsewhere or
/// overwrite another file.
fn refuse_link(path: &Path) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(Error::resource(
            progress::place(path),
            "it is a symbolic link, and a run writes into its own folder only",
        )
        .hint("remove the link, or choose another folder with --output")),
        _ => Ok(()),
    }
}

/// Writes the process id into the lock file, for the error message of a second process.
fn sign(mut file: &File) -> std::io::Result<()> {
    file.set_len(0)?;
    write!(file, "{}", std::process::id())
}

fn taken(root: &Path, mut file: File) -> Error {
    let mut holder = String::new();
    let known = file.read_to_string(&mut holder).is_ok_and(|_| !holder.is_empty());
    let who = if known { format!("process {holder}") } else { "another process".to_string() };
    Error::resource(root.display().to_string(), format!("{who} is running in this folder"))
        .hint("wait for it, stop it, or choose another folder with --output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opener_is_told_who_holds_the_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let first = RunFolder::open(temporary.path()).unwrap();
        let refused = RunFolder::open(temporary.path()).unwrap_err();
        assert!(refused.to_string().contains(&std::process::id().to_string()));
        assert_eq!(refused.exit_code(), 5);
        drop(first);
        RunFolder::open(temporary.path()).unwrap();
    }

    #[test]
    fn the_lock_of_a_dead_process_is_taken_over() {
        let temporary = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temporary.path().join(".cache")).unwrap();
        std::fs::write(temporary.path().join(".cache/lock"), "999999999").unwrap();
        RunFolder::open(temporary.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_inside_are_refused_and_nothing_is_written_where_they_lead() {
        let temporary = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (temporary.path().join("run"), temporary.path().join("elsewhere"));
        std::fs::create_dir_all(&elsewhere).unwrap();
        let folder = RunFolder::open(&root).unwrap();
        std::os::unix::fs::symlink(&elsewhere, root.join("fdk")).unwrap();
        for inside in ["fdk", "fdk/dicom"] {
            assert_eq!(folder.make(inside).unwrap_err().exit_code(), 5, "{inside}");
        }
        drop(folder);
        std::os::unix::fs::symlink(elsewhere.join("log"), root.join("log.jsonl")).unwrap();
        assert!(RunFolder::open(&root).unwrap_err().to_string().contains("symbolic link"));
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_the_machines_fault() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(RunFolder::open(&file.join("run")).unwrap_err().exit_code(), 5);
    }
}
