//! [`Failure`]: a job that failed, and why.

use super::record::{MethodRecord, TaskRecord};
use crate::data::Status;
use crate::error::Error;
use serde::Serialize;

/// A job that failed, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The job.
    pub task: String,
    /// Exit code.
    pub exit_code: u8,
    /// Why.
    pub reason: String,
}

impl Failure {
    /// What this error says of a job.
    #[must_use]
    pub fn new(task: &str, error: &Error) -> Self {
        Self { task: task.to_string(), exit_code: error.exit_code(), reason: error.to_string() }
    }

    /// One line for people.
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

/// The error that methods which failed or diverged stand for: their names, and the first reason that is known. `None`
/// if there are none.
#[must_use]
pub fn failed(methods: &[MethodRecord]) -> Option<Error> {
    let wrong = |method: &&MethodRecord| matches!(method.status, Status::Failed | Status::Diverged);
    let names: Vec<&str> = methods.iter().filter(wrong).map(|method| method.name.as_str()).collect();
    let reason = methods.iter().find(|method| !method.reason.is_empty());
    let reason = reason.map_or("for an unknown reason", |method| method.reason.as_str());
    (!names.is_empty()).then(|| Error::resource(format!("method {}", names.join(", ")), reason))
}
