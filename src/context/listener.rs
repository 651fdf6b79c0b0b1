//! [`Listener`]: passes progress on to whoever watches, keeps the warnings, writes `log.jsonl` and hears signals.

use super::signals::Signals;
use crate::data::{Warning, Warnings};
use crate::error::{Error, Result, Stop};
use crate::progress::{JsonLines, Progress};
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// The run's own listener, in front of the terminal's.
pub(super) struct Listener<'a> {
    watcher: &'a dyn Progress,
    log: JsonLines<File>,
    warnings: RefCell<Warnings>,
    signals: Signals,
}

impl<'a> Listener<'a> {
    /// Appends to the log at `path`.
    pub(super) fn new(watcher: &'a dyn Progress, path: &Path) -> Result<Self> {
        let file =
            OpenOptions::new().create(true).append(true).open(path).map_err(|error| Error::write(path, &error))?;
        Ok(Self { watcher, log: JsonLines::new(file), warnings: RefCell::default(), signals: Signals::install()? })
    }

    /// A line for the log only.
    pub(super) fn note(&self, event: &str, message: &str) {
        self.log.line(event, &[("message", message.into())]);
    }

    /// Number of warnings heard, repetitions included.
    pub(super) fn count(&self) -> usize {
        self.warnings.borrow().len()
    }

    /// The warnings heard after the first `count`.
    pub(super) fn since(&self, count: usize) -> Warnings {
        self.warnings.borrow()[count..].to_vec()
    }

    /// Every warning, each once.
    pub(super) fn warnings(&self) -> Warnings {
        let mut unique = Warnings::new();
        for warning in self.warnings.borrow().iter() {
            if !unique.contains(warning) {
                unique.push(warning.clone());
            }
        }
        unique
    }
}

impl Progress for Listener<'_> {
    fn begin(&self, task: &str, steps: Option<u64>) {
        self.log.begin(task, steps);
        self.watcher.begin(task, steps);
    }

    fn advance(&self, done: u64, figures: &[(&str, f64)]) {
        self.log.advance(done, figures);
        self.watcher.advance(done, figures);
    }

    fn end(&self) {
        self.log.end();
        self.watcher.end();
    }

    fn warn(&self, code: &str, message: &str) {
        let warning = Warning::new(code, message);
        let known = self.warnings.borrow().contains(&warning);
        self.warnings.borrow_mut().push(warning);
        if !known {
            self.log.warn(code, message);
            self.watcher.warn(code, message);
        }
    }

    fn stop(&self) -> Option<Stop> {
        self.signals.heard().or_else(|| self.watcher.stop())
    }
}
