//! [`Failure`]: a job that failed, with its exit code and reason.

use super::record::{MethodRecord, TaskRecord};
use crate::data::Status;
use crate::error::Error;
use serde::Serialize;

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Name of the job.
    pub task: String,
    /// Exit code of the error.
    pub exit_code: u8,
    /// Message of the error.
    pub reason: String,
}

impl Failure {
    /// The failure of the job `task` by this error.
    #[must_use]
    pub fn new(task: &str, error: &Error) -> Self {
        Self { task: task.to_string(), exit_code: error.exit_code(), reason: error.to_string() }
    }

    /// One line with exit code, job and the first line of the reason.
    #[must_use]
    pub fn line(&self) -> String {
        let reason = self.reason.lines().next().unwrap_or_default();
        format!("failed ({}): {}: {reason}", self.exit_code, self.task)
    }
}

impl From<&TaskRecord> for Failure {
    fn from(record: &TaskRecord) -> Self {
        Self { task: record.label.id.clone(), exit_code: record.exit_code, reason: record.reason.clone() }
    }
}

/// An error that names all methods that failed or diverged, with the first reason that is known; `None` if no method
/// failed.
#[must_use]
pub fn failed(methods: &[MethodRecord]) -> Option<Error> {
    let wrong = |method: &&MethodRecord| matches!(method.status, Status::Failed | Status::Diverged);
    let names: Vec<&str> = methods.iter().filter(wrong).map(|method| method.name.as_str()).collect();
    let reason = methods.iter().find(|method| !method.reason.is_empty());
    let reason = reason.map_or("for an unknown reason", |method| method.reason.as_str());
    (!names.is_empty()).then(|| Error::resource(format!("method {}", names.join(", ")), reason))
}
