//! [`TaskRecord`]: what came of a task, in a few hundred bytes, so that a table of thousands reads no reports.

use super::task::Label;
use crate::data::{MethodReport, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The task.
    #[serde(flatten)]
    pub label: Label,
    /// `complete` or `failed`.
    pub status: Status,
    /// Exit code that a failure stands for; 0 if complete.
    pub exit_code: u8,
    /// Why it failed; empty if complete.
    pub reason: String,
    /// Failures in a row, this one included; 0 if complete.
    pub failures: u32,
    /// Number of the lock: how often the task was taken.
    pub attempt: u64,
    /// The machine.
    pub host: String,
    /// Device computed on; empty if it came to none.
    pub device: String,
    /// Threads; 0 if it came to none.
    pub threads: usize,
    /// Seconds of the last attempt.
    pub seconds: f64,
    /// The methods, in order; none if the run ended before the first.
    pub methods: Vec<MethodRecord>,
}

/// What came of a method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodRecord {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub algorithm: String,
    /// How it ended.
    pub status: Status,
    /// Seconds of computing, over all attempts.
    pub seconds: f64,
    /// Highest resident memory of the process while it ran, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Metric key to value.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Why it failed; empty if it did not.
    pub reason: String,
}

impl MethodRecord {
    fn of(method: &MethodReport) -> Self {
        let reason = method.notes.get("reason").and_then(|reason| reason.as_str()).unwrap_or_default();
        Self {
            name: method.name.clone(),
            algorithm: method.algorithm.clone(),
            status: method.status,
            seconds: method.seconds,
            peak_memory_bytes: method.peak_memory_bytes,
            metrics: method.metrics.clone(),
            reason: if matches!(method.status, Status::Failed | Status::Diverged) {
                reason.to_string()
            } else {
                String::new()
            },
        }
    }

    /// Of each of these reports.
    #[must_use]
    pub fn all(methods: &[MethodReport]) -> Vec<Self> {
        methods.iter().map(Self::of).collect()
    }
}
