//! [`Labelled`]: progress of one of several workers, under its name.

use super::Progress;
use crate::error::Stop;

/// Puts a label before the name of every task, and passes everything on.
pub struct Labelled<'a> {
    label: &'a str,
    inner: &'a dyn Progress,
}

impl<'a> Labelled<'a> {
    /// Progress of `label`, told to `inner`.
    pub fn new(label: &'a str, inner: &'a dyn Progress) -> Self {
        Self { label, inner }
    }
}

impl Progress for Labelled<'_> {
    fn begin(&self, task: &str, steps: Option<u64>) {
        let name = if task == self.label { task.to_string() } else { format!("{}: {task}", self.label) };
        self.inner.begin(&name, steps);
    }

    fn advance(&self, done: u64, figures: &[(&str, f64)]) {
        self.inner.advance(done, figures);
    }

    fn end(&self) {
        self.inner.end();
    }

    fn warn(&self, code: &str, message: &str) {
        self.inner.warn(code, &format!("{}: {message}", self.label));
    }

    fn stop(&self) -> Option<Stop> {
        self.inner.stop()
    }
}
