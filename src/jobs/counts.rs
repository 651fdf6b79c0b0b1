//! [`Counts`] and [`Group`]: how many jobs are how far, and how long the rest of them takes.

use super::ledger::State;
use serde::Serialize;

/// How many jobs are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Jobs in all.
    pub tasks: usize,
    /// Their results are there.
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

/// The jobs of one setting of a study, or of one case of a suite.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Group {
    /// What they have in common, such as `views-30`; `base` without axes.
    pub setting: String,
    /// How many are how far.
    #[serde(flatten)]
    pub counts: Counts,
    /// Mean time of those that have ended, seconds; null if none has.
    pub mean_seconds: Option<f64>,
}

impl Counts {
    /// One more job; `queued` if it waits in a scheduler's queue, should it be neither done nor running.
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

    /// Each number with its word, in the order in which a job passes through them.
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

/// Work that is left, in seconds of one job after the other, divided by those that run at once. Those that run are half
/// done, for want of better knowledge; a group of which none has ended takes as long as the others. `None` while none
/// of any group has ended, or none runs.
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
        // (4 + 2 / 2) jobs of 10 s, two at once.
        assert_eq!(seconds_left(&groups, 2), Some(25.0));
        groups.push(group(0, 0, 6, None));
        // Six more of a group of which nothing is known: as long as the others.
        assert_eq!(seconds_left(&groups, 2), Some(55.0));
        groups[0].mean_seconds = None;
        assert_eq!(seconds_left(&groups, 2), None, "none has ended");
    }
}
