//! [`Ledger`]: the folder of a study, which alone decides whether a task is done.

use super::layout;
use super::lock;
use super::record::TaskRecord;
use super::task::{self, DAMAGED, Label, Task};
use crate::error::{Error, Result};
use crate::formats::atomic;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Times between two heartbeats that a study may have, seconds.
pub const HEARTBEATS_S: RangeInclusive<f64> = 0.01..=3600.0;

/// Properties that all tasks of a study share: the content of `study.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format of the folder's files.
    pub schema: u32,
    /// Name of the study.
    pub name: String,
    /// Hash of the tasks and of the folder's path, 12 hexadecimal digits. Jobs are named by it, because everybody can
    /// read a scheduler's queue.
    pub hash: String,
    /// Number of tasks.
    pub tasks: usize,
    /// Number of tasks that one element of a job array runs, one after the other.
    pub chunk: usize,
    /// Largest number of attempts at a task that fails for lack of memory or disk space, or by a crash.
    pub attempts: u32,
    /// Seconds between the heartbeats of a running task.
    pub heartbeat_s: f64,
    /// Keys of the metrics in the tables; the first one ranks the tasks.
    pub metrics: Vec<String>,
}

impl Header {
    /// Current version of the format of the folder's files.
    pub const SCHEMA: u32 = 1;

    /// Name of the job array of the study; the names of its jobs begin with it.
    #[must_use]
    pub fn array(&self) -> String {
        format!("recon-{}", self.hash)
    }

    /// A header for tests, of a study of so many tasks.
    #[cfg(test)]
    pub(crate) fn example(tasks: usize) -> Self {
        Self {
            schema: Self::SCHEMA,
            name: "study".into(),
            hash: "0123456789ab".into(),
            tasks,
            chunk: 1,
            attempts: 3,
            heartbeat_s: 0.1,
            metrics: Vec::new(),
        }
    }

    /// Checks the numbers by which others are divided or multiplied; returns what is wrong.
    fn check(&self) -> std::result::Result<(), String> {
        if self.chunk == 0 || self.tasks == 0 {
            return Err(format!("expected `chunk` and `tasks` of at least 1, got {} and {}", self.chunk, self.tasks));
        }
        if !HEARTBEATS_S.contains(&self.heartbeat_s) {
            let (least, most) = (HEARTBEATS_S.start(), HEARTBEATS_S.end());
            return Err(format!("heartbeat_s: expected {least} to {most} seconds, got {}", self.heartbeat_s));
        }
        Ok(())
    }
}

/// State of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Its results are published.
    Done,
    /// A process works on it.
    Running,
    /// Its last attempt failed.
    Failed(Box<TaskRecord>),
    /// It was begun, is not finished, and no process works on it.
    Begun,
    /// It was not begun.
    Missing,
}

/// The folder of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// Absolute path of the folder.
    pub root: PathBuf,
    /// Properties that all tasks share.
    pub header: Header,
}

impl Ledger {
    /// Opens the study in a folder.
    ///
    /// # Errors
    /// A folder without a study, a damaged `study.json` or one with values that no study has, or files of another
    /// version.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(layout::STUDY);
        let text = std::fs::read(&path).map_err(|error| {
            Error::read(&path, &error).hint("expected the folder of a study, as `recon batch submit` makes it")
        })?;
        let header: Header =
            serde_json::from_slice(&text).map_err(|error| Error::input(&path, format!("not a study: {error}")))?;
        if header.schema != Header::SCHEMA {
            let problem = format!("expected version {} of the study's files, got {}", Header::SCHEMA, header.schema);
            return Err(Error::input(&path, problem).hint("use the version of recon that made it"));
        }
        header.check().map_err(|problem| Error::input(&path, problem).hint(DAMAGED))?;
        let root = folder.canonicalize().map_err(|error| Error::read(folder, &error))?;
        Ok(Self { root, header })
    }

    /// Writes the files of a study into a folder and opens it. The header is written last, so that a folder with a
    /// header is complete.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn freeze(folder: &Path, header: &Header, source: &str, tasks: &[Task]) -> Result<Self> {
        for name in [layout::STATE, layout::WORK, layout::CASES, layout::LOGS] {
            let path = folder.join(name);
            std::fs::create_dir_all(&path).map_err(|error| Error::write(&path, &error))?;
        }
        task::write(folder, tasks)?;
        atomic::write(&folder.join(layout::SOURCE), source.as_bytes())?;
        write(folder, header)?;
        Self::open(folder)
    }

    /// Changes the largest number of attempts at a task, in the study's folder too.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn set_attempts(&mut self, attempts: u32) -> Result<()> {
        if self.header.attempts == attempts {
            return Ok(());
        }
        self.header.attempts = attempts;
        write(&self.root, &self.header)
    }

    /// Reads task number `index`, counted from 0.
    ///
    /// # Errors
    /// A number without a task; a damaged file.
    pub fn task(&self, index: usize) -> Result<Task> {
        task::read(&self.root, index)
    }

    /// Reads the labels of all tasks, in order.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn labels(&self) -> Result<Vec<Label>> {
        task::labels(&self.root, self.header.tasks)
    }

    /// Path of the folder in which the results of a task are published.
    #[must_use]
    pub fn published(&self, id: &str) -> PathBuf {
        self.root.join(layout::CASES).join(id)
    }

    /// Path of the folder with the locks and the last failure of a task.
    #[must_use]
    pub fn state(&self, id: &str) -> PathBuf {
        self.root.join(layout::STATE).join(id)
    }

    /// Whether the results of a task are published.
    #[must_use]
    pub fn done(&self, id: &str) -> bool {
        self.published(id).join(layout::RECORD).exists()
    }

    /// Reads the record of a finished task.
    ///
    /// # Errors
    /// A task that is not finished; a record that cannot be read or is damaged.
    pub fn record(&self, id: &str) -> Result<TaskRecord> {
        let advice = || {
            let folder = self.published(id);
            format!("remove {}; then `recon batch submit --resume` runs the task again", folder.display())
        };
        read(&self.published(id).join(layout::RECORD)).map_err(|error| error.hint(advice()))
    }

    /// Reads the record of a task's last failure; `None` if there is none or it is damaged.
    #[must_use]
    pub fn failure(&self, id: &str) -> Option<TaskRecord> {
        read(&self.state(id).join(layout::FAILURE)).ok()
    }

    /// Time between two heartbeats of a running task; 10 s if the header has no valid time.
    #[must_use]
    pub fn beat(&self) -> Duration {
        Duration::try_from_secs_f64(self.header.heartbeat_s).unwrap_or(Duration::from_secs(10))
    }

    /// Whether the study was cancelled, so that its running tasks must stop.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.root.join(layout::CANCELLED).exists()
    }

    /// State of each of these tasks. Two folder listings show which tasks were begun or published; only the files of
    /// these tasks are read.
    #[must_use]
    pub fn states(&self, labels: &[Label]) -> Vec<State> {
        let done = names(&self.root.join(layout::CASES));
        let begun = names(&self.root.join(layout::STATE));
        let state = |label: &Label| match label.id.as_str() {
            id if done.contains(id) && self.done(id) => State::Done,
            id if begun.contains(id) => self.unfinished(id),
            _ => State::Missing,
        };
        labels.iter().map(state).collect()
    }

    fn unfinished(&self, id: &str) -> State {
        if lock::seems_held(&self.state(id), self.beat()) {
            return State::Running;
        }
        self.failure(id).map_or(State::Begun, |record| State::Failed(Box::new(record)))
    }
}

fn read(path: &Path) -> Result<TaskRecord> {
    let text = std::fs::read(path).map_err(|error| Error::read(path, &error))?;
    serde_json::from_slice(&text).map_err(|error| Error::input(path, format!("not the record of a task: {error}")))
}

fn write(folder: &Path, header: &Header) -> Result<()> {
    let text = serde_json::to_string_pretty(header).map_err(|error| Error::resource(layout::STUDY, error))?;
    atomic::write(&folder.join(layout::STUDY), format!("{text}\n").as_bytes())
}

fn names(folder: &Path) -> HashSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_study_has_are_refused_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let header = Header::example(1);
        let refused = [
            (Header { chunk: 0, ..header.clone() }, "expected `chunk` and `tasks` of at least 1, got 0 and 1"),
            (Header { heartbeat_s: 1e19, ..header.clone() }, "heartbeat_s: expected 0.01 to 3600 seconds"),
            (Header { heartbeat_s: -1.0, ..header.clone() }, "heartbeat_s: expected 0.01 to 3600 seconds, got -1"),
        ];
        for (header, said) in refused {
            write(folder.path(), &header).unwrap();
            let error = Ledger::open(folder.path()).unwrap_err();
            let text = error.to_string();
            assert!(error.exit_code() == 3 && text.contains("study.json: ") && text.contains(said), "{text}");
        }
        write(folder.path(), &header).unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        ledger.set_attempts(5).unwrap();
        assert_eq!(Ledger::open(folder.path()).unwrap().header, Header { attempts: 5, ..header });
    }
}
