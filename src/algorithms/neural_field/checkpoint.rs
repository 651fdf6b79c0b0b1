//! The checkpoint of a fit: a safetensors file with the tensors `field.*`, `optimizer.*` and `integrator.memory`, and
//! metadata that describes them.

use super::Config;
use super::ensemble::{Ensemble, MEMBER};
use super::phase::Phase;
use super::problem::FitProblem;
use super::weight_selection::{Best, WeightSelection};
use crate::algorithms::Run;
use crate::algorithms::named_array::{self, NamedArray};
use crate::data::{CurvePoint, Grid, Volume};
use crate::error::{Error, Result};
use crate::fields::Parameter;
use crate::input_path;
use crate::optimizers::Optimizer;
use crate::renderers::line_integral::Memory;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use tch::{Device, Kind, Tensor};

/// Version of the checkpoint format.
const FORMAT: &str = "1";

/// Everything that a fit needs to continue with bit-identical results.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    pub(super) phase: Phase,
    /// Steps done in the phase. This is the random state too, because every random draw is keyed by its step.
    pub(super) step: u64,
    pub(super) seconds: f64,
    pub(super) curve: Vec<CurvePoint>,
    /// Volume learned in the regression phase `[z, y, x]`, attenuation in 1/mm.
    pub(super) start: Option<Vec<f32>>,
    /// 1 at the voxels `[z, y, x]` where the field is evaluated, 0 elsewhere; empty if it is evaluated everywhere.
    pub(super) support: Vec<f32>,
    /// The members of the ensemble that are fitted already.
    pub(super) ensemble: Ensemble,
    pub(super) marks: WatchState,
    pub(super) tensors: Vec<NamedArray>,
}

/// The counters and scores of a [`WeightSelection`]; its weights are stored among the tensors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct WatchState {
    /// Number of steps in the average.
    averaged: u64,
    /// Step and score of the best evaluation of the held-out views.
    best: Option<(u64, f64)>,
    /// Number of evaluations since the best one.
    since: u64,
}

impl WatchState {
    pub(super) fn of(watch: &WeightSelection) -> Self {
        Self {
            averaged: watch.average.as_ref().map_or(0, |(count, _)| *count),
            best: watch.best.as_ref().map(|best| (best.step, best.score)),
            since: watch.since,
        }
    }
}

/// Metadata that describes the weights to a reader of the file.
pub(super) struct CheckpointMetadata<'a> {
    pub(super) grid: &'a Grid,
    pub(super) mu_ref: f64,
    pub(super) config: &'a Config,
    pub(super) identity: &'a str,
}

/// Hash of everything that a checkpoint must match to be resumed: configuration, data, initial volume, grid, seed and
/// device.
pub(super) fn identity(config: &Config, problem: &FitProblem<'_>, run: &Run<'_>) -> Result<String> {
    let (data, grid) = (problem.data, problem.grid);
    // How often to save does not change what is saved.
    let config = Config { checkpoint_seconds: 0.0, ..config.clone() };
    let mut hasher = blake3::Hasher::new();
    let parts = [
        nameless(&config)?,
        json(&data.geometry)?,
        json(grid)?,
        format!("{} {} {:?} {:?}", run.seed, problem.measured.mu_water, run.device, problem.measured.sampling()),
    ];
    for part in &parts {
        hasher.update(part.as_bytes());
    }
    if config.held_out.is_some() {
        // Scores of earlier versions were relative residuals: the best of them cannot be compared with a new one.
        hasher.update(b"held-out score by the ramp filter");
    }
    for value in data.as_slice().iter().chain(run.initial.iter().flat_map(Volume::as_slice)) {
        hasher.update(&value.to_le_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Name of the tensor that the integrator keeps between steps.
const MEMORY: &str = "integrator.memory";

/// The parameters, the optimizer's state, the averaged and best weights, and the integrator's tensor, under their names
/// in the file.
pub(super) fn tensors(
    parameters: &[Parameter],
    optimizer: &dyn Optimizer,
    watch: &WeightSelection,
    memory: &Memory,
) -> Result<Vec<NamedArray>> {
    let copies = [
        ("average", watch.average.as_ref().map(|(_, weights)| weights)),
        ("best", watch.best.as_ref().map(|best| &best.weights)),
    ];
    let named = |(what, weights): (&str, &Vec<Tensor>)| -> Vec<(String, Tensor)> {
        parameters
            .iter()
            .zip(weights)
            .map(|(p, weight)| (format!("{what}.{}", p.name), weight.shallow_clone()))
            .collect()
    };
    let watched = copies.into_iter().filter_map(|(what, weights)| Some((what, weights?))).flat_map(named);
    let field = parameters.iter().map(|p| (format!("field.{}", p.name), p.value.shallow_clone()));
    let state = optimizer.state().into_iter().map(|(name, tensor)| (format!("optimizer.{name}"), tensor));
    let memory = memory.iter().map(|tensor| (MEMORY.to_string(), tensor.shallow_clone()));
    field.chain(state).chain(watched).chain(memory).map(|(name, tensor)| NamedArray::new(name, &tensor)).collect()
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| fault(error.to_string()))
}

/// The configuration as JSON without file paths: the place of a file does not affect the weights, and its name may
/// contain a patient's name.
fn nameless(config: &Config) -> Result<String> {
    input_path::rewritten(config, |_| PathBuf::new()).map(|value| value.to_string())
}

pub(super) fn fault(problem: impl std::fmt::Display) -> Error {
    Error::input("checkpoint", problem)
}

/// The metadata of the file.
pub(super) fn metadata(bytes: &[u8]) -> Result<HashMap<String, String>> {
    named_array::texts(bytes).map_err(fault)
}

impl Snapshot {
    /// Encodes the snapshot as the bytes of a checkpoint file.
    pub(super) fn encode(&self, place: &CheckpointMetadata<'_>) -> Result<Vec<u8>> {
        let mut all = [&self.tensors[..], &self.ensemble.weights].concat();
        let volumes = [
            ("start", self.start.as_deref()),
            ("support", Some(&self.support[..])),
            ("ensemble.mean", Some(&self.ensemble.mean[..])),
            ("ensemble.squares", Some(&self.ensemble.squares[..])),
        ];
        for (name, values) in
            volumes.into_iter().filter_map(|(name, values)| Some((name, values.filter(|v| !v.is_empty())?)))
        {
            all.push(NamedArray { name: name.to_string(), shape: place.grid.shape.to_vec(), values: values.to_vec() });
        }
        named_array::encode(&all, self.metadata(place)?).map_err(fault)
    }

    /// The texts that a checkpoint file has beside its tensors.
    fn metadata(&self, place: &CheckpointMetadata<'_>) -> Result<HashMap<String, String>> {
        Ok(HashMap::from([
            ("format".to_string(), FORMAT.to_string()),
            ("identity".to_string(), place.identity.to_string()),
            ("config".to_string(), nameless(place.config)?),
            ("phase".to_string(), json(&self.phase)?),
            ("step".to_string(), self.step.to_string()),
            ("seconds".to_string(), self.seconds.to_string()),
            ("curve".to_string(), json(&self.curve)?),
            ("members".to_string(), self.ensemble.members.to_string()),
            ("marks".to_string(), json(&self.marks)?),
            ("grid".to_string(), json(place.grid)?),
            ("coordinate_scale_mm".to_string(), place.grid.half_extent().to_string()),
            ("mu_ref".to_string(), place.mu_ref.to_string()),
            ("mu_water".to_string(), (place.mu_ref / crate::data::MU_REFERENCE_OVER_WATER).to_string()),
        ]))
    }

    /// Reads a file made for the fit `identity`.
    pub(super) fn decode(bytes: &[u8], identity: &str) -> Result<Self> {
        let metadata = metadata(bytes)?;
        let entry = |key: &str| metadata.get(key).ok_or_else(|| fault(format!("lacks `{key}` in its metadata")));
        if entry("format")? != FORMAT {
            return Err(fault(format!("expected format {FORMAT}, got {}", entry("format")?)));
        }
        if entry("identity")? != identity {
            return Err(fault("was made for other data, another grid, seed or configuration"));
        }
        let mut tensors = named_array::decode(bytes).map_err(fault)?;
        let mut taken =
            |name: &str| tensors.iter().position(|t| t.name == name).map(|at| tensors.swap_remove(at).values);
        let start = taken("start");
        let support = taken("support").unwrap_or_default();
        let mean = taken("ensemble.mean").unwrap_or_default();
        let squares = taken("ensemble.squares").unwrap_or_default();
        let members = entry("members")?.parse().map_err(fault)?;
        let (weights, tensors) = tensors.into_iter().partition(|tensor| tensor.name.starts_with(MEMBER));
        Ok(Self {
            phase: serde_json::from_str(entry("phase")?).map_err(fault)?,
            step: entry("step")?.parse().map_err(fault)?,
            seconds: entry("seconds")?.parse().map_err(fault)?,
            curve: serde_json::from_str(entry("curve")?).map_err(fault)?,
            start,
            support,
            ensemble: Ensemble { members, mean, squares, weights },
            marks: serde_json::from_str(entry("marks")?).map_err(fault)?,
            tensors,
        })
    }

    /// The stored tensors `what.*`, one for each parameter.
    pub(super) fn weights(&self, what: &str, parameters: &[Parameter]) -> Result<Vec<Tensor>> {
        let one = |parameter: &Parameter| {
            let name = format!("{what}.{}", parameter.name);
            let mut all = self.tensors.iter().chain(&self.ensemble.weights);
            let stored = all.find(|tensor| tensor.name == name).ok_or_else(|| fault(format!("lacks `{name}`")))?;
            let tensor = stored.tensor(&parameter.value);
            if tensor.size() != parameter.value.size() {
                return Err(fault(format!(
                    "`{name}`: expected shape {:?}, got {:?}",
                    parameter.value.size(),
                    tensor.size()
                )));
            }
            Ok(tensor)
        };
        parameters.iter().map(one).collect()
    }

    /// The stored tensor of the integrator, if there is one.
    pub(super) fn memory(&self, device: Device) -> Memory {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == MEMORY)
            .map(|plain| plain.tensor(&Tensor::zeros([0], (Kind::Float, device))))
    }

    /// Restores the weights, the optimizer state and the weight selection; changes no weight unless all of them fit.
    pub(super) fn restore(
        &self,
        parameters: &[Parameter],
        optimizer: &mut dyn Optimizer,
        watch: &mut WeightSelection,
    ) -> Result<()> {
        let find = |name: &str| self.tensors.iter().find(|tensor| tensor.name == name);
        let weights = self.weights("field", parameters)?;
        let like = &parameters[0].value;
        optimizer.restore(&|name| find(&format!("optimizer.{name}")).map(|plain| plain.tensor(like)))?;
        *watch = WeightSelection::default();
        watch.since = self.marks.since;
        if self.marks.averaged > 0 {
            watch.average = Some((self.marks.averaged, self.weights("average", parameters)?));
        }
        if let Some((step, score)) = self.marks.best {
            watch.best = Some(Best { step, score, weights: self.weights("best", parameters)? });
        }
        for (parameter, tensor) in parameters.iter().zip(weights) {
            parameter.value.detach().copy_(&tensor);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            phase: Phase::Data,
            step: 7,
            seconds: 1.5,
            curve: vec![CurvePoint {
                step: 1,
                seconds: 0.5,
                loss: 0.25,
                figures: std::collections::BTreeMap::from([("rate".into(), 1e-3)]),
            }],
            start: Some(vec![1.0, 2.0]),
            support: vec![1.0, 0.0],
            ensemble: Ensemble {
                members: 1,
                mean: vec![0.5, 0.25],
                squares: vec![0.0, 0.0],
                weights: vec![NamedArray { name: "member.0.a".into(), shape: vec![1, 2], values: vec![1.0, 2.0] }],
            },
            marks: WatchState { averaged: 3, best: Some((5, 0.125)), since: 2 },
            tensors: vec![NamedArray { name: "field.a".into(), shape: vec![1, 2], values: vec![3.0, -4.0] }],
        }
    }

    fn encoded() -> Vec<u8> {
        let grid = Grid::centered([1, 1, 2], [1.0; 3], [0.0; 3]).unwrap();
        let config = Config::default();
        snapshot().encode(&CheckpointMetadata { grid: &grid, mu_ref: 0.05, config: &config, identity: "me" }).unwrap()
    }

    #[test]
    fn a_snapshot_reads_back_whole() {
        assert_eq!(Snapshot::decode(&encoded(), "me").unwrap(), snapshot());
    }

    #[test]
    fn a_snapshot_of_another_fit_or_a_broken_file_is_refused() {
        assert!(Snapshot::decode(&encoded(), "you").unwrap_err().to_string().contains("other data"));
        let bytes = encoded();
        for length in 0..bytes.len() {
            assert!(Snapshot::decode(&bytes[..length], "me").is_err());
        }
    }
}
