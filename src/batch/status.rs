//! [`Summary`]: how far a study is. The folder says what is done; the scheduler, what waits; an answer that it does not
//! give changes nothing.

use super::engine::{Engine, Submission};
use crate::error::Result;
use crate::jobs::{Ledger, State, TaskRecord};
use crate::schedulers::Queue;
use serde::Serialize;

/// How many tasks are how far.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the study.
    pub study: String,
    /// Tasks in all.
    pub tasks: usize,
    /// Their results are published.
    pub done: usize,
    /// Somebody works on them.
    pub running: usize,
    /// They wait in the scheduler's queue.
    pub queued: usize,
    /// They failed, and are not tried again on their own.
    pub failed: usize,
    /// They were begun, and nobody works on them.
    pub begun: usize,
    /// They were not begun.
    pub missing: usize,
    /// Why the scheduler could not be asked; null if it answered or keeps no queue.
    pub scheduler_unknown: Option<String>,
    /// The failures.
    pub failures: Vec<Failure>,
}

/// A task that failed, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The task.
    pub task: String,
    /// Exit code.
    pub exit_code: u8,
    /// Why.
    pub reason: String,
}

impl From<&TaskRecord> for Failure {
    fn from(record: &TaskRecord) -> Self {
        Self { task: record.label.id.clone(), exit_code: record.exit_code, reason: record.reason.clone() }
    }
}

impl Summary {
    /// Looks at the folder, and asks the scheduler once.
    ///
    /// # Errors
    /// A study that cannot be read.
    pub fn of(ledger: &Ledger) -> Result<Self> {
        let labels = ledger.labels()?;
        let states = ledger.states(&labels);
        let queue = queue(ledger, states.iter().all(|state| *state == State::Done))?;
        let mut summary = Self { study: ledger.header.name.clone(), tasks: labels.len(), ..Self::default() };
        if let Some(Queue::Unknown(why)) = &queue {
            summary.scheduler_unknown = Some(why.clone());
        }
        for (label, state) in labels.iter().zip(&states) {
            let held = queue.as_ref().is_some_and(|queue| queue.holds(label.index / ledger.header.chunk));
            match state {
                State::Done => summary.done += 1,
                State::Running => summary.running += 1,
                _ if held => summary.queued += 1,
                State::Failed(record) => {
                    summary.failed += 1;
                    summary.failures.push(Failure::from(record.as_ref()));
                }
                State::Begun => summary.begun += 1,
                State::Missing => summary.missing += 1,
            }
        }
        Ok(summary)
    }

    /// Whether nothing runs and nothing waits, as far as is known.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.running + self.queued == 0
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let counts = [
            (self.done, "done"),
            (self.running, "running"),
            (self.queued, "queued"),
            (self.failed, "failed"),
            (self.begun, "begun"),
            (self.missing, "not begun"),
        ];
        let parts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        format!("{} of {} tasks: {}", self.study, self.tasks, parts.collect::<Vec<_>>().join(", "))
    }
}

fn queue(ledger: &Ledger, all_done: bool) -> Result<Option<Queue>> {
    let Some(submission) = Submission::read(&ledger.root).filter(|last| last.engine == Engine::Slurm && !all_done)
    else {
        return Ok(None);
    };
    let array = submission.array(ledger, Vec::new())?;
    Ok(Some(submission.scheduler(ledger).status(&array)))
}
