//! [`Series`]: runs jobs one after the other in this process. A job that fails does not stop the others. A job that an
//! earlier process completed takes no time, and its earlier run time is used to estimate the time left.

use super::standing::{Standing, Went, Words};
use crate::error::Result;
use crate::progress::{self, StopSignal};

/// Jobs that are run one after the other in this process.
#[derive(Debug, Clone)]
pub struct Series {
    /// Names of the series, its jobs and its groups, for messages.
    pub words: Words,
    /// The jobs, in order.
    pub items: Vec<Item>,
}

/// One job of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name of the job, for messages.
    pub name: String,
    /// Group of the job; the jobs of a group take about the same time.
    pub group: String,
}

impl Series {
    /// Calls `work` with the index of each job, in order, until `stop` asks to stop. Shows the state of all jobs before
    /// each job and at the end, unless there is only one job.
    ///
    /// # Errors
    /// The first error of `work`, which ends the series. A job that fails is not an error: `work` returns
    /// [`Went::Failed`] for it.
    pub fn run(&self, stop: &dyn StopSignal, mut work: impl FnMut(usize) -> Result<Went>) -> Result<Standing> {
        let mut standing = Standing::new(self.words.clone());
        let places: Vec<usize> = self.items.iter().map(|item| standing.add(&item.group)).collect();
        let mut told = 0;
        for (number, (item, &place)) in self.items.iter().zip(&places).enumerate() {
            standing.stopped = stop.stop();
            if standing.stopped.is_some() {
                break;
            }
            standing.begins(place, &item.name);
            self.tell(&standing, &mut told);
            standing.ended(place, work(number)?);
            if standing.stopped.is_some() {
                break;
            }
        }
        self.tell(&standing, &mut told);
        Ok(standing)
    }

    /// Shows the state of all jobs, and the failures after the first `told`.
    fn tell(&self, standing: &Standing, told: &mut usize) {
        if self.items.len() > 1 {
            progress::board(&standing.board(), &standing.changes(*told));
        }
        *told = standing.failures.len();
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Failure;
    use super::*;
    use crate::error::{Error, Stop};
    use crate::progress::Silent;
    use std::cell::Cell;

    fn series(groups: &[&str]) -> Series {
        let item = |(number, group): (usize, &&str)| Item { name: format!("cell-{number}"), group: group.to_string() };
        let words = Words { name: "suite".into(), noun: "cells", heading: "case" };
        Series { words, items: groups.iter().enumerate().map(item).collect() }
    }

    #[test]
    fn a_job_that_fails_stops_no_other_and_is_named() {
        let failure = |number| Failure::new(&format!("cell-{number}"), &Error::resource("method tv", "diverged"));
        let series = series(&["a", "b", "a"]);
        let mut lines = Vec::new();
        let standing = series.run(&Silent, |number| {
            lines.push(number);
            Ok(if number == 1 {
                Went::Failed { failure: failure(1), seconds: 1.0 }
            } else {
                Went::Done { seconds: 2.0 }
            })
        });
        let standing = standing.unwrap();
        assert_eq!((lines, standing.failures.clone(), standing.stopped), (vec![0, 1, 2], vec![failure(1)], None));
        let expected = "suite of 3 cells: 2 done, 1 failed\ncase       done     failed  mean time\n\
                        a             2          0       0:02\nb             0          1       0:01\n\
                        failed (5): cell-1: method tv: diverged";
        assert_eq!(standing.board(), expected);
        assert!(series.run(&Silent, |_| Err(Error::resource("disk", "full"))).is_err());
    }

    /// Asks to stop from the question with this number on.
    struct Asked(Cell<usize>);

    impl StopSignal for Asked {
        fn stop(&self) -> Option<Stop> {
            self.0.set(self.0.get().saturating_sub(1));
            (self.0.get() == 0).then_some(Stop::TimeLimit)
        }
    }

    #[test]
    fn a_stop_between_jobs_begins_no_other_and_one_within_a_job_leaves_it_begun() {
        let mut done = 0;
        let series = series(&["a"; 5]);
        let standing = series.run(&Asked(Cell::new(3)), |_| {
            done += 1;
            Ok(Went::Done { seconds: 1.0 })
        });
        let standing = standing.unwrap();
        assert_eq!((done, standing.counts.done, standing.counts.missing), (2, 2, 3));
        assert_eq!(standing.stopped, Some(Stop::TimeLimit));
        let standing = series.run(&Silent, |_| Ok(Went::Stopped(Stop::Interrupt))).unwrap();
        assert_eq!((standing.counts.begun, standing.counts.missing, standing.stopped), (1, 4, Some(Stop::Interrupt)));
    }

    #[test]
    fn the_time_left_is_by_the_jobs_of_the_same_group() {
        let mut standing = Standing::new(Words { name: "suite".into(), noun: "cells", heading: "case" });
        let [small, large] = ["small", "large"].map(|group| {
            standing.add(group);
            standing.add(group)
        });
        for (place, seconds) in [(small, 10.0), (large, 100.0)] {
            standing.begins(place, "cell");
            standing.ended(place, Went::Done { seconds });
        }
        standing.begins(small, "small-2");
        // The remaining time is half of a small job (5 s) and a large job (100 s).
        assert_eq!(standing.line(), "suite of 4 cells: 2 done, 1 running, 1 not begun, about 1:45 left");
        assert_eq!(standing.changes(0), [standing.line() + "; began: small-2"]);
    }
}
