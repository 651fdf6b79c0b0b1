//! [`TaskRecord`]: the outcome of a task in a few hundred bytes, so that a table of thousands of tasks is made without
//! reading their reports.

use super::task::Label;
use crate::data::{MethodReport, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Outcome of the last attempt at a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Names of the task.
    #[serde(flatten)]
    pub label: Label,
    /// `complete` or `failed`.
    pub status: Status,
    /// Exit code of the failure; 0 if complete.
    pub exit_code: u8,
    /// Reason of the failure; empty if complete.
    pub reason: String,
    /// Number of failures in a row, this one included; 0 if complete.
    pub failures: u32,
    /// Number of the lock, which is the number of times that a process has taken the task.
    pub attempt: u64,
    /// Name of the machine.
    pub host: String,
    /// Device of the computation, such as `cpu` or `cuda:0`; empty if the run made no report.
    pub device: String,
    /// Number of threads of the process; 0 if the run failed before it took any.
    pub threads: usize,
    /// Run time of the attempt, seconds.
    pub seconds: f64,
    /// Outcome of each method, in order; empty if the run made no report.
    pub methods: Vec<MethodRecord>,
}

/// Outcome of a method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodRecord {
    /// Name of the method.
    pub name: String,
    /// Kind of algorithm.
    pub algorithm: String,
    /// How it ended.
    pub status: Status,
    /// Computing time over all attempts, seconds.
    pub seconds: f64,
    /// Highest resident memory of the process while the method ran, bytes; null where the system does not report it.
    pub peak_memory_bytes: Option<u64>,
    /// Value of each metric by its key; null where the value is undefined.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Reason of the failure; empty if the method did not fail or diverge.
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

    /// The record of each of these reports.
    #[must_use]
    pub fn all(methods: &[MethodReport]) -> Vec<Self> {
        methods.iter().map(Self::of).collect()
    }
}
