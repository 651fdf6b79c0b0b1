//! [`WorkFolder`]: the run folder of a task that is being worked on, `work/TASK.N`, N the number of the lock. Taking a
//! task over renames it, so that its old holder, should it still live, writes to paths that are gone; publishing is one
//! rename to `cases/TASK`, which fails if somebody was faster.

use super::layout;
use super::ledger::Ledger;
use super::lock::Lock;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The folder of one attempt.
#[derive(Debug)]
pub(super) struct WorkFolder {
    /// Where it is.
    pub(super) path: PathBuf,
    identity: Option<u64>,
}

impl WorkFolder {
    /// The folder for this lock: what an earlier attempt has left, or a new one.
    pub(super) fn claim(ledger: &Ledger, id: &str, lock: &Lock) -> Result<Self> {
        let path = ledger.root.join(layout::WORK).join(format!("{id}.{}", lock.number()));
        if let Some((_, last)) = attempts(ledger, id).into_iter().filter(|(n, _)| *n < lock.number()).max() {
            std::fs::rename(&last, &path).map_err(|error| Error::write(&path, &error))?;
            // Its last holder is dead or no longer counts: what it has locked or half written is nobody's.
            let _ = std::fs::remove_file(path.join(".cache/lock"));
            remove_partial(&path, 4);
        }
        std::fs::create_dir_all(&path).map_err(|error| Error::write(&path, &error))?;
        Ok(Self { identity: identity(&path), path })
    }

    /// Whether it is still the folder that was claimed.
    pub(super) fn is_same(&self) -> bool {
        identity(&self.path) == self.identity
    }

    /// Renames it to where results are published; `false` if the task has been published by another, or this folder is
    /// no longer ours.
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

/// Removes what attempts at a finished task have left.
pub(super) fn tidy(ledger: &Ledger, id: &str) {
    for (_, path) in attempts(ledger, id) {
        let _ = std::fs::remove_dir_all(path);
    }
    let _ = std::fs::remove_file(ledger.state(id).join(layout::FAILURE));
}

/// The newest unfinished run folder of a task.
#[must_use]
pub fn newest(ledger: &Ledger, id: &str) -> Option<PathBuf> {
    attempts(ledger, id).into_iter().max().map(|(_, path)| path)
}

/// Folders of attempts, with their numbers. Numbers are small and dense: they are looked for, not listed, since the
/// folder holds those of every task.
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

/// What tells a folder from another of the same name.
#[cfg(unix)]
fn identity(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|found| found.ino())
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<u64> {
    path.is_dir().then_some(0)
}
