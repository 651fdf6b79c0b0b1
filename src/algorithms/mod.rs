//! Stub until the algorithms are merged.
#![allow(missing_docs, clippy::missing_errors_doc)]
use crate::data::{CurvePoint, Geometry, Grid, Projections, Quantity, Volume, Warnings};
use crate::error::Result;
use crate::progress::{Checkpoints, Progress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
pub struct Run<'a> {
    pub device: tch::Device,
    pub seed: u64,
    pub threads: usize,
    pub progress: &'a dyn Progress,
    pub checkpoints: &'a dyn Checkpoints,
    pub mu_water: f64,
}
pub struct Reconstruction {
    pub volume: Volume,
    pub curve: Vec<CurvePoint>,
    pub notes: BTreeMap<String, serde_json::Value>,
    pub start: Option<Volume>,
    pub warnings: Warnings,
}
pub struct Estimate {
    pub seconds: Option<f64>,
    pub memory_bytes: u64,
}
pub trait Algorithm {
    fn check(&self, geometry: &Geometry, grid: &Grid) -> Result<()>;
    fn estimate(&self, geometry: &Geometry, grid: &Grid) -> Estimate;
    fn reconstruct(&self, data: &Projections, grid: &Grid, run: &mut Run) -> Result<Reconstruction>;
}
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fdk {
    pub filter: String,
}
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NeuralField {
    pub steps: u64,
}
impl Algorithm for Fdk {
    fn check(&self, _: &Geometry, _: &Grid) -> Result<()> {
        Ok(())
    }
    fn estimate(&self, _: &Geometry, _: &Grid) -> Estimate {
        Estimate { seconds: None, memory_bytes: 0 }
    }
    fn reconstruct(&self, _data: &Projections, grid: &Grid, run: &mut Run) -> Result<Reconstruction> {
        let volume = Volume::filled(grid.clone(), Quantity::Attenuation, run.mu_water as f32);
        Ok(Reconstruction { volume, curve: vec![], notes: BTreeMap::new(), start: None, warnings: vec![] })
    }
}
impl Algorithm for NeuralField {
    fn check(&self, _: &Geometry, _: &Grid) -> Result<()> {
        Ok(())
    }
    fn estimate(&self, _: &Geometry, _: &Grid) -> Estimate {
        Estimate { seconds: None, memory_bytes: 0 }
    }
    fn reconstruct(&self, data: &Projections, grid: &Grid, run: &mut Run) -> Result<Reconstruction> {
        Fdk::default().reconstruct(data, grid, run)
    }
}
crate::kinds! {
    pub enum AlgorithmKind: "algorithm" => dyn Algorithm {
        fdk => Fdk(Fdk),
        neural_field => NeuralField(NeuralField),
    }
}
