//! Stub until the nouns branch is merged.
#![allow(missing_docs, clippy::missing_errors_doc, clippy::unnecessary_wraps)]
use crate::data::{Projections, Warnings};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoiseConfig {
    pub photons: f64,
    pub electronic_sd: f64,
}
impl Default for NoiseConfig {
    fn default() -> Self {
        Self { photons: 1e5, electronic_sd: 10.0 }
    }
}
pub fn add_noise(ideal: &Projections, _noise: &NoiseConfig, _seed: u64) -> Result<(Projections, Warnings)> {
    Ok((ideal.clone(), vec![]))
}
