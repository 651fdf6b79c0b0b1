//! [`Summary`]: how far a study is. The folder says what is done; the scheduler, what waits; an answer that it does not
//! give changes nothing.

use super::engine::{Engine, Submission};
use super::submit;
use super::working::Working;
use crate::error::Result;
use crate::jobs::{Counts, Failure, Group, Label, Ledger, Spread, State, seconds_left};
use crate::schedulers::Queue;
use serde::Serialize;

/// Finished tasks of a setting whose seconds are read for an estimate.
const SAMPLED: usize = 20;

/// How far a study is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the study.
    pub study: String,
    /// All tasks.
    #[serde(flatten)]
    pub counts: Counts,
    /// A process of this machine is submitting the study: with the local engine, is running it.
    pub submitting: bool,
    /// Time until no task is left that runs, waits or was not begun, seconds, by the tasks that are finished and the
    /// number that runs now; null while none is finished or none runs.
    pub seconds_left: Option<f64>,
    /// Why the scheduler could not be asked; null if it answered or keeps no queue.
    pub scheduler_unknown: Option<String>,
    /// Each setting.
    pub settings: Vec<Group>,
    /// The tasks that somebody works on.
    pub working: Vec<Working>,
    /// The failures.
    pub failures: Vec<Failure>,
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
        let mut summary = Self {
            study: ledger.header.name.clone(),
            submitting: submit::in_progress(ledger),
            scheduler_unknown: match &queue {
                Some(Queue::Unknown(why)) => Some(why.clone()),
                _ => None,
            },
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

    /// The place of a task's setting among the groups.
    fn group(&mut self, label: &Label) -> usize {
        let setting = label.setting();
        self.settings.iter().position(|group| group.setting == setting).unwrap_or_else(|| {
            self.settings.push(Group { setting, ..Group::default() });
            self.settings.len() - 1
        })
    }

    /// Whether nothing runs and nothing waits, as far as is known.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.counts.running + self.counts.queued == 0 && !self.submitting
    }
}

/// Mean time of some finished tasks, spread over all of them, seconds.
fn mean_seconds(ledger: &Ledger, ids: &[&str]) -> Option<f64> {
    let every = ids.len().div_ceil(SAMPLED).max(1);
    let seconds: Vec<f64> =
        ids.iter().step_by(every).filter_map(|id| ledger.record(id)).map(|record| record.seconds).collect();
    Spread::of(&seconds).mean
}

fn queue(ledger: &Ledger, all_done: bool) -> Result<Option<Queue>> {
    let Some(submission) = Submission::read(&ledger.root).filter(|last| last.engine == Engine::Slurm && !all_done)
    else {
        return Ok(None);
    };
    let array = submission.array(ledger, Vec::new())?;
    Ok(Some(submission.scheduler(ledger).status(&array)))
}
