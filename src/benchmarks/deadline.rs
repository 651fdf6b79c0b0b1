//! [`Deadline`]: progress that asks long work to end when its time is over.

use crate::error::Stop;
use crate::progress::Progress;
use std::time::Instant;

/// Passes everything on; from `at` on, [`Progress::stop`] says that the time is over.
pub(super) struct Deadline<'a> {
    pub(super) inner: &'a dyn Progress,
    pub(super) at: Option<Instant>,
}

impl Progress for Deadline<'_> {
    fn begin(&self, task: &str, steps: Option<u64>) {
        self.inner.begin(task, steps);
    }

    fn advance(&self, done: u64, figures: &[(&str, f64)]) {
        self.inner.advance(done, figures);
    }

    fn end(&self) {
        self.inner.end();
    }

    fn warn(&self, code: &str, message: &str) {
        self.inner.warn(code, message);
    }

    fn stop(&self) -> Option<Stop> {
        let over = self.at.is_some_and(|at| Instant::now() >= at);
        self.inner.stop().or_else(|| over.then_some(Stop::TimeLimit))
    }
}
