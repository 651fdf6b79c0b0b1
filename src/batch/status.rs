//! [`Summary`]: the progress of a study. The study's folder tells which tasks are done or run, the scheduler which ones
//! wait. If the scheduler gives no answer, no task counts as waiting.

use super::engine::{Engine, Submission};
use super::submit;
use super::working::Working;
use crate::error::Result;
use crate::jobs::{Counts, Failure, Group, Label, Ledger, Spread, State, seconds_left};
use crate::schedulers::Queue;
use serde::Serialize;

/// Largest number of finished tasks of a setting whose run times are read to estimate the time left.
const SAMPLED: usize = 20;

/// Progress of a study.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the study.
    pub study: String,
    /// Number of tasks in each state.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether a process of this machine is submitting the study; with the local engine this process also runs the
    /// tasks.
    pub submitting: bool,
    /// Estimated time until all tasks have ended, seconds, from the run times of the finished tasks and the number of
    /// running ones; null while no task is finished or none runs.
    pub seconds_left: Option<f64>,
    /// Reason why the state of the scheduler's queue is unknown; null if it answered or was not asked.
    pub scheduler_unknown: Option<String>,
    /// Whether the scheduler knows of no job: it may have failed, or no job may be left.
    #[serde(skip)]
    pub queue_empty: bool,
    /// Number of tasks in each state and mean run time, for each setting.
    pub settings: Vec<Group>,
    /// The running tasks.
    pub working: Vec<Working>,
    /// The tasks that failed and do not wait in the queue, with the reasons.
    pub failures: Vec<Failure>,
}

impl Summary {
    /// Reads the study's folder, and asks the scheduler once.
    ///
    /// # Errors
    /// A study that cannot be read; a path of this program that cannot be determined.
    pub fn of(ledger: &Ledger) -> Result<Self> {
        let labels = ledger.labels()?;
        let states = ledger.states(&labels);
        let queue = queue(ledger, states.iter().all(|state| *state == State::Done))?;
        let mut summary = Self {
            study: ledger.header.name.clone(),
            submitting: submit::in_progress(ledger),
            scheduler_unknown: queue.as_ref().and_then(Queue::unknown).map(String::from),
            queue_empty: queue == Some(Queue::Empty),
            ..Self::default()
        };
        let mut finished: Vec<Vec<&str>> = Vec::new();
        for (label, state) in labels.iter().zip(&states) {
            let held = queue.as_ref().is_some_and(|queue| queue.holds(label.index / ledger.header.chunk));
            let group = summary.group(label);
            summary.settings[group].counts.add(state, held);
            summary.counts.add(state, held);
            finished.resize(summary.settings.len(), Vec::new());
            match state {
                State::Done => finished[group].push(&label.id),
                State::Running => summary.working.push(Working::of(ledger, &label.id)),
                State::Failed(record) if !held => summary.failures.push(Failure::from(record.as_ref())),
                _ => {}
            }
        }
        for (group, ids) in summary.settings.iter_mut().zip(finished) {
            group.mean_seconds = mean_seconds(ledger, &ids);
        }
        summary.seconds_left = seconds_left(&summary.settings, summary.counts.running);
        Ok(summary)
    }

    /// Index of the group of a task's setting; a new group is added if needed.
    fn group(&mut self, label: &Label) -> usize {
        let setting = label.setting();
        self.settings.iter().position(|group| group.setting == setting).unwrap_or_else(|| {
            self.settings.push(Group { setting, ..Group::default() });
            self.settings.len() - 1
        })
    }

    /// Whether no task is known to run or wait, and no process of this machine submits the study.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.counts.running + self.counts.queued == 0 && !self.submitting
    }
}

/// Mean run time of at most [`SAMPLED`] finished tasks, evenly spread over all of them, seconds; `None` without one.
fn mean_seconds(ledger: &Ledger, ids: &[&str]) -> Option<f64> {
    let every = ids.len().div_ceil(SAMPLED).max(1);
    let seconds: Vec<f64> =
        ids.iter().step_by(every).filter_map(|id| ledger.record(id).ok()).map(|record| record.seconds).collect();
    Spread::of(&seconds).mean
}

/// State of the jobs in SLURM's queue; `None` if the study was not submitted to SLURM or all of its tasks are done.
fn queue(ledger: &Ledger, all_done: bool) -> Result<Option<Queue>> {
    let Some(submission) = Submission::read(&ledger.root).filter(|last| last.engine == Engine::Slurm && !all_done)
    else {
        return Ok(None);
    };
    let array = submission.array(ledger, Vec::new())?;
    Ok(Some(submission.scheduler(ledger).status(&array)))
}
