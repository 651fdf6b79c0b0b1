//! [`Summary`]: how far a study is. The folder says what is done; the scheduler, what waits; an answer that it does not
//! give changes nothing.

use super::engine::{Engine, Submission};
use super::submit;
use super::working::Working;
use crate::error::Result;
use crate::jobs::{Label, Ledger, Spread, State, TaskRecord};
use crate::schedulers::Queue;
use serde::Serialize;

/// Finished tasks of a setting whose seconds are read for an estimate.
const SAMPLED: usize = 20;

/// How many tasks are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
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
}

/// The tasks of one setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Group {
    /// The setting, such as `views-30`; `base` without axes.
    pub setting: String,
    /// How many are how far.
    #[serde(flatten)]
    pub counts: Counts,
    /// Mean time of the last attempt of its finished tasks, seconds; null if none is finished.
    pub mean_seconds: Option<f64>,
}

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

impl Counts {
    fn add(&mut self, state: &State, held: bool) {
        self.tasks += 1;
        *match state {
            State::Done => &mut self.done,
            State::Running => &mut self.running,
            _ if held => &mut self.queued,
            State::Failed(_) => &mut self.failed,
            State::Begun => &mut self.begun,
            State::Missing => &mut self.missing,
        } += 1;
    }

    /// Each number with its word, in the order in which a task passes through them.
    #[must_use]
    pub fn named(&self) -> [(usize, &'static str); 6] {
        [
            (self.done, "done"),
            (self.running, "running"),
            (self.queued, "queued"),
            (self.failed, "failed"),
            (self.begun, "begun"),
            (self.missing, "not begun"),
        ]
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
        summary.seconds_left = summary.left();
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

    /// Work that is left, in seconds of one task after the other, by as many as run now. Those that run are half done,
    /// for want of better knowledge.
    fn left(&self) -> Option<f64> {
        let (mut seconds, mut settings) = (0.0, 0.0);
        for mean in self.settings.iter().filter_map(|group| group.mean_seconds) {
            seconds += mean;
            settings += 1.0;
        }
        if settings == 0.0 || self.counts.running == 0 {
            return None;
        }
        let work = |group: &Group| {
            let counts = &group.counts;
            let tasks = (counts.queued + counts.begun + counts.missing) as f64 + counts.running as f64 / 2.0;
            tasks * group.mean_seconds.unwrap_or(seconds / settings)
        };
        Some(self.settings.iter().map(work).sum::<f64>() / self.counts.running as f64)
    }

    /// Whether nothing runs and nothing waits, as far as is known.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.counts.running + self.counts.queued == 0 && !self.submitting
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let parts = self.counts.named().into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, word)| format!("{count} {word}")).collect();
        format!("{} of {} tasks: {}", self.study, self.counts.tasks, parts.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_the_work_of_each_setting_by_those_that_run() {
        let group = |done, running, missing, mean_seconds| Group {
            counts: Counts { done, running, missing, ..Counts::default() },
            mean_seconds,
            ..Group::default()
        };
        let mut summary = Summary { settings: vec![group(3, 2, 4, Some(10.0))], ..Summary::default() };
        assert_eq!(summary.left(), None, "nobody works on it");
        summary.counts.running = 2;
        // (4 + 2 / 2) tasks of 10 s, two at once.
        assert_eq!(summary.left(), Some(25.0));
        summary.settings.push(group(0, 0, 6, None));
        // Six more of a setting of which nothing is known: as long as the others.
        assert_eq!(summary.left(), Some(55.0));
        summary.settings[0].mean_seconds = None;
        assert_eq!(summary.left(), None, "nothing is finished");
    }
}
