//! [`Standing`]: the state of the jobs of a series: counts, failures, time left.

use super::board;
use super::counts::{Counts, Group, seconds_left};
use super::failure::Failure;
use super::spread::Spread;
use crate::error::Stop;

/// Names that messages about a series use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Name of the series, such as that of a benchmark suite.
    pub name: String,
    /// Plural noun for its jobs, such as `cells`.
    pub noun: &'static str,
    /// Noun for a group of jobs, such as `case`.
    pub heading: &'static str,
}

/// How a job of a series ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Went {
    /// Its results are complete.
    Done {
        /// Run time, in this process or in the earlier one that completed it, seconds.
        seconds: f64,
    },
    /// It failed.
    Failed {
        /// The job and the reason.
        failure: Failure,
        /// Run time until it failed, seconds.
        seconds: f64,
    },
    /// It was asked to stop, and can be continued later.
    Stopped(Stop),
}

/// State of the jobs of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    words: Words,
    /// Number of jobs in each state.
    pub counts: Counts,
    /// The jobs that failed, in the order in which they did.
    pub failures: Vec<Failure>,
    /// Reason why the series stopped early; `None` if it did not.
    pub stopped: Option<Stop>,
    groups: Vec<Group>,
    /// Run times of the ended jobs of each group, seconds.
    seconds: Vec<Vec<f64>>,
    running: Option<String>,
}

impl Standing {
    /// A series without jobs.
    pub(super) fn new(words: Words) -> Self {
        Self { words, ..Self::default() }
    }

    /// Adds a job to a group and returns the index of the group.
    pub(super) fn add(&mut self, group: &str) -> usize {
        let known = self.groups.iter().position(|known| known.setting == group);
        let place = known.unwrap_or_else(|| {
            self.groups.push(Group { setting: group.to_string(), ..Group::default() });
            self.seconds.push(Vec::new());
            self.groups.len() - 1
        });
        self.both(place, |counts| {
            counts.tasks += 1;
            counts.missing += 1;
        });
        place
    }

    /// Notes that a job of the group with index `place` begins.
    pub(super) fn begins(&mut self, place: usize, name: &str) {
        self.running = Some(name.to_string());
        self.both(place, |counts| {
            counts.missing -= 1;
            counts.running += 1;
        });
    }

    /// Notes how the running job, of the group with index `place`, has ended.
    pub(super) fn ended(&mut self, place: usize, went: Went) {
        self.running = None;
        self.both(place, |counts| {
            counts.running -= 1;
            *match &went {
                Went::Done { .. } => &mut counts.done,
                Went::Failed { .. } => &mut counts.failed,
                Went::Stopped(_) => &mut counts.begun,
            } += 1;
        });
        match went {
            Went::Stopped(why) => self.stopped = Some(why),
            Went::Done { seconds } => self.took(place, seconds),
            Went::Failed { failure, seconds } => {
                self.failures.push(failure);
                self.took(place, seconds);
            }
        }
    }

    fn took(&mut self, place: usize, seconds: f64) {
        self.seconds[place].push(seconds);
        self.groups[place].mean_seconds = Spread::of(&self.seconds[place]).mean;
    }

    fn both(&mut self, place: usize, change: impl Fn(&mut Counts)) {
        change(&mut self.counts);
        change(&mut self.groups[place].counts);
    }

    /// One line: the number of jobs in each state, and an estimate of the time left.
    #[must_use]
    pub fn line(&self) -> String {
        let left = seconds_left(&self.groups, self.counts.running);
        board::headline(&self.words.name, self.words.noun, &self.counts, left)
    }

    /// Several lines: that of [`Standing::line`], one per group, the running job, and the failures with their reasons.
    #[must_use]
    pub fn board(&self) -> String {
        let running = self.running.iter().map(|name| format!("running: {name}"));
        let failures = self.failures.iter().map(Failure::line).collect();
        let grid = board::grid(self.words.heading, &self.groups);
        self.line() + &grid + &board::listed(running.collect(), "") + &board::listed(failures, "more failures")
    }

    /// The current state in one line, then a line for each failure after the first `failures`.
    pub(super) fn changes(&self, failures: usize) -> Vec<String> {
        let began = self.running.as_ref().map_or(String::new(), |name| format!("; began: {name}"));
        let failures = self.failures.iter().skip(failures).map(Failure::line);
        std::iter::once(self.line() + &began).chain(failures).collect()
    }
}
