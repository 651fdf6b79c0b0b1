//! `seeds`: cases that differ in one number, which counts up.

use super::{CaseSource, StudyCase};
use crate::error::Result;
use crate::pipeline::Assignment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Numbers `from`, `from` + 1, ...
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The first.
    #[serde(default)]
    pub from: u64,
    /// How many.
    pub count: u64,
    /// What the number is: a member of a family of phantoms, or `seed` for all randomness.
    #[serde(default = "member")]
    pub key: String,
}

fn member() -> String {
    "load.phantom.seed".to_string()
}

impl CaseSource for Config {
    fn cases(&self, folder: &Path) -> Result<Vec<StudyCase>> {
        let case = |seed: u64| {
            let change: Assignment = format!("{}={seed}", self.key).parse()?;
            let id = format!("seed-{seed}");
            Ok(StudyCase { origin: format!("seed {seed}"), id, changes: vec![change], folder: folder.to_path_buf() })
        };
        (self.from..self.from.saturating_add(self.count)).map(case).collect()
    }
}
