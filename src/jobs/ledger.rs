//! [`Ledger`]: a study's folder as the truth about its tasks. Nothing else is asked whether a task is done.

use super::layout;
use super::lock;
use super::record::TaskRecord;
use super::task::{self, Label, Task};
use crate::error::{Error, Result};
use crate::formats::atomic;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What holds for every task of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the folder's files.
    pub schema: u32,
    /// Name of the study.
    pub name: String,
    /// Hash of its tasks, 12 hex digits: what jobs are called by, since queues are read by everybody.
    pub hash: String,
    /// Number of tasks.
    pub tasks: usize,
    /// Tasks that one element of an array does, one after the other.
    pub chunk: usize,
    /// How often a task is tried that fails for want of memory, disk or by a crash.
    pub attempts: u32,
    /// Seconds between the heartbeats of a running task.
    pub heartbeat_s: f64,
    /// Metrics of the tables, the one that ranks first.
    pub metrics: Vec<String>,
}

impl Header {
    /// Version of the folder's files.
    pub const SCHEMA: u32 = 1;
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Its results are published.
    Done,
    /// Somebody works on it.
    Running,
    /// It failed when it was last tried.
    Failed(Box<TaskRecord>),
    /// It was begun and is not finished.
    Begun,
    /// It was not begun.
    Missing,
}

/// The folder of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// The folder, absolute.
    pub root: PathBuf,
    /// What holds for every task.
    pub header: Header,
}

impl Ledger {
    /// The study in this folder.
    ///
    /// # Errors
    /// A folder without a study.
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
        let root = folder.canonicalize().map_err(|error| Error::read(folder, &error))?;
        Ok(Self { root, header })
    }

    /// Writes a study's files into a folder; the header comes last.
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
        let text = serde_json::to_string_pretty(header).map_err(|error| Error::resource(layout::STUDY, error))?;
        atomic::write(&folder.join(layout::STUDY), format!("{text}\n").as_bytes())?;
        Self::open(folder)
    }

    /// Task number `index`.
    ///
    /// # Errors
    /// A number that is no task's.
    pub fn task(&self, index: usize) -> Result<Task> {
        task::read(&self.root, index)
    }

    /// What every task is called, in order.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn labels(&self) -> Result<Vec<Label>> {
        task::labels(&self.root)
    }

    /// Where the results of a task are published.
    #[must_use]
    pub fn published(&self, id: &str) -> PathBuf {
        self.root.join(layout::CASES).join(id)
    }

    /// Where its locks are.
    #[must_use]
    pub fn state(&self, id: &str) -> PathBuf {
        self.root.join(layout::STATE).join(id)
    }

    /// Whether its results are published.
    #[must_use]
    pub fn done(&self, id: &str) -> bool {
        self.published(id).join(layout::RECORD).exists()
    }

    /// What came of a finished task.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<TaskRecord> {
        read(&self.published(id).join(layout::RECORD))
    }

    /// Why it failed last.
    #[must_use]
    pub fn failure(&self, id: &str) -> Option<TaskRecord> {
        read(&self.state(id).join(layout::FAILURE))
    }

    /// Time between heartbeats.
    #[must_use]
    pub fn beat(&self) -> Duration {
        Duration::try_from_secs_f64(self.header.heartbeat_s).unwrap_or(Duration::from_secs(10))
    }

    /// Whether tasks are to be given up.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.root.join(layout::CANCELLED).exists()
    }

    /// How far each of these tasks is, from two listings and a look at those that are not done.
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

fn read(path: &Path) -> Option<TaskRecord> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn names(folder: &Path) -> HashSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
