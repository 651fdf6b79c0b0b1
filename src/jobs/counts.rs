//! [`Counts`] and [`Group`]: the number of jobs in each state, and an estimate of the time left.

use super::ledger::State;
use serde::Serialize;

/// Number of jobs in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Number of all jobs.
    pub tasks: usize,
    /// Jobs whose results are complete.
    pub done: usize,
    /// Jobs on which a process works.
    pub running: usize,
    /// Jobs that wait in the scheduler's queue.
    pub queued: usize,
    /// Jobs that failed and are not tried again automatically.
    pub failed: usize,
    /// Jobs that were begun and on which no process works now.
    pub begun: usize,
    /// Jobs that were not begun.
    pub missing: usize,
}

/// The jobs of one setting of a study, or of one case of a suite.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Group {
    /// Name of the setting or case, such as `views-30`; `base` for a study without axes.
    pub setting: String,
    /// Number of its jobs in each state.
    #[serde(flatten)]
    pub counts: Counts,
    /// Mean run time of its ended jobs, seconds; null if none has ended.
    pub mean_seconds: Option<f64>,
}

impl Counts {
    /// Counts one more job. `queued` says whether it waits in a scheduler's queue; this matters only if it is neither
    /// done nor running.
    pub fn add(&mut self, state: &State, queued: bool) {
        self.tasks += 1;
        *match state {
            State::Done => &mut self.done,
            State::Running => &mut self.running,
            _ if queued => &mut self.queued,
            State::Failed(_) => &mut self.failed,
            State::Begun => &mut self.begun,
            State::Missing => &mut self.missing,
        } += 1;
    }

    /// Each number with the name of its state, in the order in which a job passes through the states.
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

/// Estimated time until all jobs have ended, seconds: the summed run time of the remaining jobs, divided by the number
/// of jobs that run at once. A running job counts as half done. In a group in which no job has ended, a job is assumed
/// to take the mean time of the other groups. `None` if no job of any group has ended, or if none runs.
#[must_use]
pub fn seconds_left(groups: &[Group], at_once: usize) -> Option<f64> {
    let known: Vec<f64> = groups.iter().filter_map(|group| group.mean_seconds).collect();
    if known.is_empty() || at_once == 0 {
        return None;
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let work = |group: &Group| {
        let counts = &group.counts;
        let jobs = (counts.queued + counts.begun + counts.missing) as f64 + counts.running as f64 / 2.0;
        jobs * group.mean_seconds.unwrap_or(mean)
    };
    Some(groups.iter().map(work).sum::<f64>() / at_once as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_the_work_of_each_group_by_those_that_run() {
        let group = |done, running, missing, mean_seconds| Group {
            counts: Counts { done, running, missing, ..Counts::default() },
            mean_seconds,
            ..Group::default()
        };
        let mut groups = vec![group(3, 2, 4, Some(10.0))];
        assert_eq!(seconds_left(&groups, 0), None, "nobody works on it");
        // (4 + 2 / 2) jobs of 10 s remain, of which two run at once.
        assert_eq!(seconds_left(&groups, 2), Some(25.0));
        groups.push(group(0, 0, 6, None));
        // Six more jobs, of a group with unknown run time, are assumed to take 10 s each like those of the other group.
        assert_eq!(seconds_left(&groups, 2), Some(55.0));
        groups[0].mean_seconds = None;
        assert_eq!(seconds_left(&groups, 2), None, "none has ended");
    }
}
