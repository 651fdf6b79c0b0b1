//! The progress of a study as text: a status table that is redrawn, and lines that tell what has changed.

use super::status::Summary;
use crate::jobs::{Failure, board};
use std::collections::HashSet;
use std::fmt::Write;

/// Largest number of tasks that a line of changes names.
const NAMED: usize = 5;

impl Summary {
    /// Several lines: the number of tasks in each state, one line per setting, the running tasks with their progress,
    /// and the failures with their reasons.
    #[must_use]
    pub fn board(&self) -> String {
        let mut text = self.line();
        if let Some(why) = &self.scheduler_unknown {
            let _ = write!(text, "\nwhat is queued is unknown: {why}");
        }
        text += &board::grid("setting", &self.settings);
        let working = self.working.iter().map(|working| {
            let host = if working.host.is_empty() { String::new() } else { format!(" on {}", working.host) };
            format!("running: {}: {}{host}", working.task, working.progress())
        });
        text += &board::listed(working.collect(), "more tasks that run");
        text += &board::listed(self.failures.iter().map(Failure::line).collect(), "more failures");
        text
    }

    /// One line: the number of tasks in each state, and an estimate of the time left.
    #[must_use]
    pub fn line(&self) -> String {
        board::headline(&self.study, "tasks", &self.counts, self.seconds_left)
    }

    /// Lines that tell what has changed since `before`: the number of tasks in each state, the tasks that began,
    /// whether the scheduler answers, and the new failures. Empty if nothing has changed.
    #[must_use]
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.counts != before.counts {
            lines.push(self.line() + &self.begun_since(before));
        }
        if self.scheduler_unknown != before.scheduler_unknown {
            lines.push(match &self.scheduler_unknown {
                Some(why) => format!("what is queued is unknown: {why}"),
                None => "the scheduler answers again".to_string(),
            });
        }
        lines.extend(self.failures.iter().filter(|failure| !before.failures.contains(failure)).map(Failure::line));
        lines
    }

    /// Text that names the tasks that run now and did not run then; empty if there are none.
    fn begun_since(&self, before: &Self) -> String {
        let known: HashSet<&str> = before.working.iter().map(|working| working.task.as_str()).collect();
        let new: Vec<&str> =
            self.working.iter().map(|working| working.task.as_str()).filter(|task| !known.contains(task)).collect();
        match new.len() {
            0 => String::new(),
            n if n > NAMED => format!("; began: {} and {} more", new[..NAMED].join(", "), n - NAMED),
            _ => format!("; began: {}", new.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::working::Working;
    use super::*;
    use crate::jobs::{Counts, Group};

    fn summary(done: usize, running: usize, missing: usize) -> Summary {
        let counts = Counts { tasks: done + running + missing, done, running, missing, ..Counts::default() };
        let working = (0..running).map(|n| Working { task: format!("case-{}", done + n), ..Working::default() });
        Summary { study: "heads".into(), counts, working: working.collect(), ..Summary::default() }
    }

    #[test]
    fn the_board_holds_each_setting_whoever_runs_and_what_failed_and_is_never_long() {
        let mut now = summary(3, 2, 4);
        now.seconds_left = Some(3665.0);
        now.settings = vec![
            Group { setting: "views-20".into(), counts: now.counts, mean_seconds: Some(65.0) },
            Group { setting: "views-40".into(), ..Group::default() },
        ];
        now.working[0] =
            Working { doing: "siren: fit".into(), step: Some(3), steps: Some(8), ..now.working[0].clone() };
        let expected = "heads of 9 tasks: 3 done, 2 running, 4 not begun, about 1:01:05 left\n\
                        setting        done    running  not begun  mean time\n\
                        views-20          3          2          4       1:05\n\
                        views-40          0          0          0          -\n\
                        running: case-3: siren: fit, step 3 of 8\n\
                        running: case-4: begins";
        assert_eq!(now.board(), expected);
        let failure = Failure { task: "x".repeat(300), exit_code: 5, reason: "disk full\nsecond line".into() };
        now.failures = vec![failure; 100];
        let board = now.board();
        assert!(board.contains("and 89 more failures") && board.lines().count() < 30, "{board}");
        assert!(board.lines().all(|line| line.chars().count() <= board::WIDTH));
    }

    #[test]
    fn a_line_is_said_for_what_has_changed_and_none_otherwise() {
        let (before, mut now) = (summary(1, 2, 6), summary(2, 2, 5));
        assert!(now.changes(&now.clone()).is_empty());
        assert_eq!(now.changes(&before), ["heads of 9 tasks: 2 done, 2 running, 5 not begun; began: case-3"]);
        now.scheduler_unknown = Some("squeue gave no answer".into());
        now.failures = vec![Failure { task: "a".into(), exit_code: 5, reason: "disk full".into() }];
        let lines = now.changes(&before);
        assert_eq!(lines[1..], ["what is queued is unknown: squeue gave no answer", "failed (5): a: disk full"]);
        assert_eq!(before.changes(&now)[1], "the scheduler answers again");
    }
}
