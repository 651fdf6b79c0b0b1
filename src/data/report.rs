//! [`Report`]: what a run found, as `report.json` holds it. Its keys are a contract.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a run or a method ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything was done.
    Complete,
    /// It stopped at an error.
    Failed,
    /// A fit went astray: the volume is that of its last good weights (methods only).
    Diverged,
    /// It was stopped and can be continued.
    Interrupted,
}

/// Time of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Stage name, such as `simulate`.
    pub name: String,
    /// Seconds this run spent in it.
    pub seconds: f64,
    /// Whether its result was taken from an earlier run.
    pub cached: bool,
}

/// One point of a method's convergence curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Step or iteration, from 1.
    pub step: u64,
    /// Seconds since the method began, over all its runs.
    pub seconds: f64,
    /// The data term plus regularisers, in the method's own units.
    pub loss: f64,
    /// More figures, such as `rate`.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
}

/// One method of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// Unique name in the pipeline.
    pub name: String,
    /// Kind of algorithm.
    pub algorithm: String,
    /// How it ended.
    pub status: Status,
    /// Seconds of computing, over all its runs.
    pub seconds: f64,
    /// Highest resident memory of the process while it ran, bytes; null where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
    /// Path of the volume inside the run folder.
    pub volume: String,
    /// Metric key to value; null with an entry in `reasons` where a number does not exist.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Why a metric is null.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, String>,
    /// Figures of the method about itself, such as the PSNR of the volume it started from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, serde_json::Value>,
    /// Convergence.
    pub curve: Vec<CurvePoint>,
}

/// What a metric key means in this report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricDefinition {
    /// Formula, window, data range and mask in words.
    pub definition: String,
    /// Data range R used, if the metric has one, in `unit`.
    pub data_range: Option<f64>,
    /// Unit of the value.
    pub unit: String,
    /// `all` voxels or `fov`; in words where something else than voxels counts.
    pub mask: String,
}

/// Something the user must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code, such as `inverse_crime`.
    pub code: String,
    /// In words, with numbers.
    pub message: String,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of these keys.
    pub schema: u32,
    /// Name of the pipeline.
    pub name: String,
    /// How the run ended.
    pub status: Status,
    /// Device computed on.
    pub device: String,
    /// Seed of all randomness.
    pub seed: u64,
    /// What became of the identity of whoever was scanned: `keep` or `drop`.
    #[serde(default)]
    pub identity: String,
    /// Stages in order.
    pub stages: Vec<StageReport>,
    /// Methods in order.
    pub methods: Vec<MethodReport>,
    /// Metric key to what it means.
    pub metric_definitions: BTreeMap<String, MetricDefinition>,
    /// Everything that was warned about.
    pub warnings: Vec<Warning>,
    /// The resolved pipeline, every default explicit.
    pub config: serde_json::Value,
}

impl Report {
    /// Version of the keys above.
    pub const SCHEMA: u32 = 1;
}

/// Warnings gathered by code that has no one to tell: tools return them with their value.
pub type Warnings = Vec<Warning>;

impl Warning {
    /// A warning with a stable code.
    pub fn new(code: &str, message: impl std::fmt::Display) -> Self {
        Self { code: code.to_string(), message: message.to_string() }
    }
}
