//! [`WorkFolder`]: the run folder `work/TASK.N` of an unfinished task, where N is the number of the lock. A process
//! that takes a task over renames the folder, so that an old holder that still runs writes to paths that no longer
//! exist. Results are published by one rename to `cases/TASK`, which fails if another process was faster.

use super::layout;
use super::ledger::Ledger;
use super::lock::Lock;
use crate::error::{Error, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The run folder of one attempt at a task.
#[derive(Debug)]
pub(super) struct WorkFolder {
    /// Path of the folder.
    pub(super) path: PathBuf,
    identity: Option<u64>,
}

impl WorkFolder {
    /// Returns the folder for this lock: the folder of the last attempt, renamed, or a new one. `None` if the last
    /// holder has published the task meanwhile.
    pub(super) fn claim(ledger: &Ledger, id: &str, lock: &Lock) -> Result<Option<Self>> {
        let path = ledger.root.join(layout::WORK).join(format!("{id}.{}", lock.number()));
        let last = || attempts(ledger, id).into_iter().filter(|(n, _)| *n < lock.number()).max();
        while let Some((_, last)) = last() {
            if taken_over(&last, &path)? {
                return Ok(Some(Self { identity: identity(&path), path }));
            }
        }
        // A holder that was slow may have published its folder after this process had looked whether the task is done.
        if ledger.done(id) {
            return Ok(None);
        }
        std::fs::create_dir_all(&path).map_err(|error| Error::write(&path, &error))?;
        Ok(Some(Self { identity: identity(&path), path }))
    }

    /// Whether the path still leads to the folder that was claimed.
    pub(super) fn is_same(&self) -> bool {
        identity(&self.path) == self.identity
    }

    /// Renames the folder to the path of the published results. Returns `false` if another process has published the
    /// task or has taken it over.
    pub(super) fn publish(&self, ledger: &Ledger, id: &str, lock: &Lock) -> Result<bool> {
        if !lock.holds() || !self.is_same() {
            return Ok(false);
        }
        let to = ledger.published(id);
        match std::fs::rename(&self.path, &to) {
            Ok(()) => {}
            Err(_) if ledger.done(id) || !self.is_same() => return Ok(false),
            Err(error) => return Err(Error::write(&to, &error)),
        }
        if let Ok(folder) = std::fs::File::open(ledger.root.join(layout::CASES)) {
            let _ = folder.sync_all();
        }
        Ok(true)
    }
}

/// Renames the folder of the last attempt to `path`; returns `false` if it is gone, because its holder has published
/// it.
fn taken_over(last: &Path, path: &Path) -> Result<bool> {
    match std::fs::rename(last, path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !last.exists() => return Ok(false),
        renamed => renamed.map_err(|error| Error::write(path, &error))?,
    }
    // The last holder has stopped, is dead or has lost the task: its lock on the run folder no longer counts, and
    // nobody completes the files that it was writing.
    let _ = std::fs::remove_file(path.join(".cache/lock"));
    remove_partial(path, 4);
    Ok(true)
}

/// Removes the work folders of a finished task, and the record of its last failure.
pub(super) fn tidy(ledger: &Ledger, id: &str) {
    for (_, path) in attempts(ledger, id) {
        let _ = std::fs::remove_dir_all(path);
    }
    let _ = std::fs::remove_file(ledger.state(id).join(layout::FAILURE));
}

/// The newest work folder of a task; `None` if it has none.
#[must_use]
pub fn newest(ledger: &Ledger, id: &str) -> Option<PathBuf> {
    attempts(ledger, id).into_iter().max().map(|(_, path)| path)
}

/// Work folders of a task, with the numbers of their locks. Every number up to the newest lock is tried, because the
/// folder `work` holds the folders of all tasks and listing it takes longer.
fn attempts(ledger: &Ledger, id: &str) -> Vec<(u64, PathBuf)> {
    let work = ledger.root.join(layout::WORK);
    let all = (1..=super::lock::newest(&ledger.state(id))).map(|n| (n, work.join(format!("{id}.{n}"))));
    all.filter(|(_, path)| path.is_dir()).collect()
}

fn remove_partial(folder: &Path, depth: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => remove_partial(&entry.path(), depth - 1),
            Ok(kind) if kind.is_file() && name.to_string_lossy().starts_with(".partial-") => {
                let _ = std::fs::remove_file(entry.path());
            }
            _ => {}
        }
    }
}

/// The inode number, which distinguishes a folder from a later one of the same name.
#[cfg(unix)]
fn identity(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|found| found.ino())
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<u64> {
    path.is_dir().then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_its_holder_has_published_meanwhile_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let [last, path] = ["case.1", "case.2"].map(|name| folder.path().join(name));
        assert!(!taken_over(&last, &path).unwrap() && !path.exists());
        std::fs::create_dir(&last).unwrap();
        std::fs::write(last.join(".partial-1-volume"), "half").unwrap();
        assert!(taken_over(&last, &path).unwrap() && !last.exists());
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
        assert_eq!(taken_over(&path, &folder.path().join("no/such/folder")).unwrap_err().exit_code(), 5);
    }
}
