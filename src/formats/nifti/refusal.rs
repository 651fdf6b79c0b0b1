//! [`Refusal`]: why a header is not taken, before it is known which file it is from.

use crate::error::Error;
use std::path::Path;

/// A refusal, with advice.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: String,
    hint: &'static str,
}

impl Refusal {
    /// A problem, and what to do about it (empty if the problem says it).
    pub(super) fn new(problem: impl Into<String>, hint: &'static str) -> Self {
        Self { problem: problem.into(), hint }
    }

    /// The same about a file.
    pub(super) fn at(self, path: &Path) -> Error {
        let error = Error::input(path, self.problem);
        if self.hint.is_empty() { error } else { error.hint(self.hint) }
    }
}
