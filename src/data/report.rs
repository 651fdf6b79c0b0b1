//! [`Report`]: the results of a run, as stored in `report.json`. Other programs rely on its keys.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a run or a method ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It finished.
    Complete,
    /// It stopped with an error.
    Failed,
    /// A fit diverged: the volume is that of its last good weights (methods only).
    Diverged,
    /// It was stopped before its end and can be resumed.
    Interrupted,
}

/// Computing time of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Stage name, such as `simulate`.
    pub name: String,
    /// Time that this run spent in the stage, seconds.
    pub seconds: f64,
    /// Whether the result was taken from an earlier run.
    pub cached: bool,
}

/// One point of a method's convergence curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Step or iteration, from 1.
    pub step: u64,
    /// Computing time since the method began, over all its runs, seconds.
    pub seconds: f64,
    /// Data term plus regularisers, in the method's own units.
    pub loss: f64,
    /// Further values by name, such as `rate`.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
}

/// Results of one method of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// Unique name in the pipeline.
    pub name: String,
    /// Kind of algorithm, such as `fdk`.
    pub algorithm: String,
    /// How it ended.
    pub status: Status,
    /// Computing time over all its runs, seconds.
    pub seconds: f64,
    /// Highest resident memory of the process while the method ran, bytes; null where the system does not report it.
    pub peak_memory_bytes: Option<u64>,
    /// Path of the volume inside the run folder.
    pub volume: String,
    /// Value of each metric by its key; null, with an entry in `reasons`, where the value is undefined.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Reason why a metric is null, by its key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, String>,
    /// Values that the method reports about itself, such as the PSNR of the volume it started from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, serde_json::Value>,
    /// Convergence curve.
    pub curve: Vec<CurvePoint>,
}

/// Definition of a metric key in this report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricDefinition {
    /// Formula, window, data range and mask, in words.
    pub definition: String,
    /// Data range R that was used, in `unit`; null if the metric has none.
    pub data_range: Option<f64>,
    /// Unit of the metric's value.
    pub unit: String,
    /// Voxels that count: `all`, `fov`, or a description in words if something other than voxels is compared.
    pub mask: String,
}

/// A warning to the user about the run or its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code, such as `inverse_crime`.
    pub code: String,
    /// Message with the numbers that matter.
    pub message: String,
}

/// The results of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of the report's keys.
    pub schema: u32,
    /// Name of the pipeline.
    pub name: String,
    /// How the run ended.
    pub status: Status,
    /// Device on which the run computed.
    pub device: String,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Treatment of the scanned person's identity in exported files: `keep` or `drop`.
    #[serde(default)]
    pub identity: String,
    /// Stages in the order of execution.
    pub stages: Vec<StageReport>,
    /// Methods in the order of the pipeline.
    pub methods: Vec<MethodReport>,
    /// Definition of each metric, by its key.
    pub metric_definitions: BTreeMap<String, MetricDefinition>,
    /// All warnings of the run.
    pub warnings: Vec<Warning>,
    /// The resolved pipeline with every default written out.
    pub config: serde_json::Value,
}

impl Report {
    /// Current version of the report's keys.
    pub const SCHEMA: u32 = 1;
}

/// Warnings that a function returns together with its result, because it has no logger.
pub type Warnings = Vec<Warning>;

impl Warning {
    /// Creates a warning with a stable code.
    pub fn new(code: &str, message: impl std::fmt::Display) -> Self {
        Self { code: code.to_string(), message: message.to_string() }
    }
}
