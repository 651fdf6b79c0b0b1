//! [`Standing`]: how far the jobs of a series are.

use super::board;
use super::counts::{Counts, Group, seconds_left};
use super::failure::Failure;
use super::spread::Spread;
use crate::error::Stop;

/// What the jobs are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// All of them together, such as the name of a suite.
    pub name: String,
    /// The jobs, such as `cells`.
    pub noun: &'static str,
    /// A group of them, such as `case`.
    pub heading: &'static str,
}

/// How a job of a series ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Went {
    /// Its results are there.
    Done {
        /// Time that they took, now or in an earlier process, seconds.
        seconds: f64,
    },
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// Time that it took, seconds.
        seconds: f64,
    },
    /// It was told to stop, and can go on later.
    Stopped(Stop),
}

/// How far the jobs of a series are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    words: Words,
    /// All jobs.
    pub counts: Counts,
    /// Those that failed.
    pub failures: Vec<Failure>,
    /// Why the series ended before its end, if it did.
    pub stopped: Option<Stop>,
    groups: Vec<Group>,
    /// Times of the jobs of each group that have ended, seconds.
    seconds: Vec<Vec<f64>>,
    running: Option<String>,
}

impl Standing {
    /// Nothing is done.
    pub(super) fn new(words: Words) -> Self {
        Self { words, ..Self::default() }
    }

    /// One more job, of this group; the place of the group.
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

    /// A job of the group at this place begins.
    pub(super) fn begins(&mut self, place: usize, name: &str) {
        self.running = Some(name.to_string());
        self.both(place, |counts| {
            counts.missing -= 1;
            counts.running += 1;
        });
    }

    /// The job that runs has ended.
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

    /// One line: how many of how many are how far, and how long the rest takes.
    #[must_use]
    pub fn line(&self) -> String {
        let left = seconds_left(&self.groups, self.counts.running);
        board::headline(&self.words.name, self.words.noun, &self.counts, left)
    }

    /// All of it: the line, each group, what runs, what failed and why.
    #[must_use]
    pub fn board(&self) -> String {
        let running = self.running.iter().map(|name| format!("running: {name}"));
        let failures = self.failures.iter().map(Failure::line).collect();
        let grid = board::grid(self.words.heading, &self.groups);
        self.line() + &grid + &board::listed(running.collect(), "") + &board::listed(failures, "more failures")
    }

    /// What has changed after this many failures, a line each.
    pub(super) fn changes(&self, failures: usize) -> Vec<String> {
        let began = self.running.as_ref().map_or(String::new(), |name| format!("; began: {name}"));
        let failures = self.failures.iter().skip(failures).map(Failure::line);
        std::iter::once(self.line() + &began).chain(failures).collect()
    }
}
