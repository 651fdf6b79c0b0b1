//! The checkpoint of a fit: a safetensors file with the tensors `field.*`, `optimizer.*` and `occupancy`, and metadata
//! that describes them.

use super::Config;
use crate::algorithms::Run;
use crate::algorithms::named_array::{self, NamedArray};
use crate::data::{CurvePoint, Grid, Pictures};
use crate::error::{Error, Result};
use crate::fields::Parameter;
use crate::optimizers::Optimizer;
use crate::renderers::emission_absorption::Occupancy;
use std::collections::HashMap;

/// Version of the checkpoint format.
const FORMAT: &str = "1";
/// Kind of the checkpoint, which distinguishes it from that of a neural field.
const KIND: &str = "radiance_field";
/// Name of the tensor with the densities of the occupancy grid.
const OCCUPANCY: &str = "occupancy";

/// Everything that a fit needs to continue with bit-identical results.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    /// Steps done. This is the random state too, because every random draw is keyed by its step.
    pub(super) step: u64,
    pub(super) seconds: f64,
    /// Sum and number of the losses since the last point of the curve.
    pub(super) recent: (f64, u64),
    pub(super) curve: Vec<CurvePoint>,
    pub(super) opaque: bool,
    pub(super) matter: Vec<f32>,
    pub(super) tensors: Vec<NamedArray>,
}

pub(super) fn fault(problem: impl std::fmt::Display) -> Error {
    Error::input("checkpoint", problem)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(fault)
}

/// Hash of everything that a checkpoint must match to be resumed: configuration, pictures, seed and device.
pub(super) fn identity(config: &Config, data: &Pictures, run: &Run<'_>) -> Result<String> {
    // How often to save does not change what is saved.
    let config = Config { checkpoint_seconds: 0.0, ..config.clone() };
    let text = format!("{} {} {} {:?}", json(&config)?, data.content_hash(), run.seed, run.device);
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// The parameters and the optimizer's state, under their names in the file.
pub(super) fn tensors(parameters: &[Parameter], optimizer: &dyn Optimizer) -> Result<Vec<NamedArray>> {
    let weights = parameters.iter().map(|p| (format!("field.{}", p.name), p.value.shallow_clone()));
    let state = optimizer.state().into_iter().map(|(name, tensor)| (format!("optimizer.{name}"), tensor));
    weights.chain(state).map(|(name, tensor)| NamedArray::new(name, &tensor)).collect()
}

fn metadata(bytes: &[u8]) -> Result<HashMap<String, String>> {
    let metadata = named_array::texts(bytes).map_err(fault)?;
    match metadata.get("kind").map(String::as_str) {
        Some(KIND) => Ok(metadata),
        _ => Err(fault("it is not the checkpoint of a radiance field")),
    }
}

fn entry<'m>(metadata: &'m HashMap<String, String>, key: &str) -> Result<&'m String> {
    metadata.get(key).ok_or_else(|| fault(format!("lacks `{key}` in its metadata")))
}

/// Configuration, grid and identity of a file.
pub(super) fn about(bytes: &[u8]) -> Result<(Config, Grid, String)> {
    let metadata = metadata(bytes)?;
    let config = serde_json::from_str(entry(&metadata, "config")?).map_err(fault)?;
    let grid = serde_json::from_str(entry(&metadata, "grid")?).map_err(fault)?;
    Ok((config, grid, entry(&metadata, "identity")?.clone()))
}

impl Snapshot {
    /// Encodes the snapshot as the bytes of a checkpoint file.
    pub(super) fn encode(&self, config: &Config, grid: &Grid, identity: &str) -> Result<Vec<u8>> {
        let cells = config.cells.max(1);
        let matter = NamedArray { name: OCCUPANCY.to_string(), shape: vec![cells; 3], values: self.matter.clone() };
        let metadata = [
            ("format", FORMAT.to_string()),
            ("kind", KIND.to_string()),
            ("identity", identity.to_string()),
            ("config", json(config)?),
            ("grid", json(grid)?),
            ("coordinate_scale_mm", grid.half_extent().to_string()),
            ("step", self.step.to_string()),
            ("seconds", self.seconds.to_string()),
            ("recent", json(&self.recent)?),
            ("curve", json(&self.curve)?),
            ("opaque", self.opaque.to_string()),
        ];
        let metadata = metadata.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        named_array::encode(self.tensors.iter().chain([&matter]), metadata).map_err(fault)
    }

    /// Reads a file made for the fit `identity`.
    pub(super) fn decode(bytes: &[u8], identity: &str) -> Result<Self> {
        let metadata = metadata(bytes)?;
        let of = |key: &str| entry(&metadata, key);
        if of("format")? != FORMAT {
            return Err(fault(format!("expected format {FORMAT}, got {}", of("format")?)));
        }
        if of("identity")? != identity {
            return Err(fault("was made for other pictures, another seed or configuration"));
        }
        let mut tensors = named_array::decode(bytes).map_err(fault)?;
        let at = tensors.iter().position(|array| array.name == OCCUPANCY);
        let matter = at.map(|at| tensors.swap_remove(at).values).ok_or_else(|| fault("lacks `occupancy`"))?;
        Ok(Self {
            step: of("step")?.parse().map_err(fault)?,
            seconds: of("seconds")?.parse().map_err(fault)?,
            recent: serde_json::from_str(of("recent")?).map_err(fault)?,
            curve: serde_json::from_str(of("curve")?).map_err(fault)?,
            opaque: of("opaque")?.parse().map_err(fault)?,
            matter,
            tensors,
        })
    }

    /// The occupancy grid for samples `step` apart.
    pub(super) fn matter(&self, config: &Config, step: f64) -> Result<Occupancy> {
        let fresh = Occupancy::new(config.cells.max(1));
        // Before its first update every cell counts as occupied.
        if config.cells == 0 || self.step <= config.refresh {
            return Ok(fresh);
        }
        fresh.with_density(self.matter.clone(), step).ok_or_else(|| fault("its `occupancy` has another size"))
    }

    /// Restores the weights, and the state of an optimizer if one is given; changes no weight unless all of them fit.
    pub(super) fn restore(&self, parameters: &[Parameter], optimizer: Option<&mut dyn Optimizer>) -> Result<()> {
        let find = |name: &str| self.tensors.iter().find(|array| array.name == name);
        let weight = |parameter: &Parameter| {
            let name = format!("field.{}", parameter.name);
            let tensor = find(&name).ok_or_else(|| fault(format!("lacks `{name}`")))?.tensor(&parameter.value);
            if tensor.size() == parameter.value.size() {
                return Ok(tensor);
            }
            Err(fault(format!("`{name}`: expected shape {:?}, got {:?}", parameter.value.size(), tensor.size())))
        };
        let weights = parameters.iter().map(weight).collect::<Result<Vec<_>>>()?;
        if let Some(optimizer) = optimizer {
            let like = &parameters[0].value;
            optimizer.restore(&|name| find(&format!("optimizer.{name}")).map(|array| array.tensor(like)))?;
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

    #[test]
    fn a_snapshot_reads_back_whole_and_a_broken_or_foreign_one_is_refused() {
        let snapshot = Snapshot {
            step: 70,
            seconds: 1.5,
            recent: (0.25, 3),
            curve: Vec::new(),
            opaque: true,
            matter: vec![0.5; 8],
            tensors: vec![NamedArray { name: "field.a".into(), shape: vec![1, 2], values: vec![3.0, -4.0] }],
        };
        let config = Config { cells: 2, ..Config::default() };
        let grid = Grid::centered([2, 2, 2], [1.0; 3], [0.0; 3]).unwrap();
        let bytes = snapshot.encode(&config, &grid, "me").unwrap();
        assert_eq!(Snapshot::decode(&bytes, "me").unwrap(), snapshot);
        assert_eq!(about(&bytes).unwrap(), (config, grid, "me".to_string()));
        assert!(Snapshot::decode(&bytes, "you").unwrap_err().to_string().contains("other pictures"));
        assert!((0..bytes.len()).all(|length| Snapshot::decode(&bytes[..length], "me").is_err()));
    }
}
