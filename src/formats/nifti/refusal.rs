//! [`Refusal`]: the reason for refusing a header, without the path of its file.

use crate::error::Error;
use std::path::Path;

/// Reason for refusing a header, with advice.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: String,
    hint: &'static str,
}

impl Refusal {
    /// A problem, and what to do about it (empty if no advice is needed).
    pub(super) fn new(problem: impl Into<String>, hint: &'static str) -> Self {
        Self { problem: problem.into(), hint }
    }

    /// The error for the file `path`.
    pub(super) fn at(self, path: &Path) -> Error {
        let error = Error::input(path, self.problem);
        if self.hint.is_empty() { error } else { error.hint(self.hint) }
    }
}
