//! A trained network with its model card, as one safetensors file: the weights as tensors, the card as JSON in the
//! metadata under `card`.

use super::network::Network;
use super::traits::Ranges;
use crate::algorithms::named_array;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use tch::Device;

/// Version of the file format and of the card's keys.
pub const FORMAT: &str = "recon-refinement-1";
/// Largest file that is read, bytes; the network takes 0.6 MB.
pub const LONGEST: u64 = 1 << 24;

/// A volume on which the network was trained or tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the volume.
    pub name: String,
    /// The licence under which it may be used.
    pub licence: String,
    /// Attribution that the licence requires.
    pub credit: String,
    /// Hash (blake3) of the voxel values as they were read.
    pub hash: String,
}

/// The model card: what a user should know about a network before trusting it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Format version, [`FORMAT`].
    pub format: String,
    /// Name of the network.
    pub name: String,
    /// Dimensions of the volumes of the training: 2 for single slices, 3 for volumes.
    pub dimensions: usize,
    /// Command that trained it.
    pub command: String,
    /// Seed of all randomness.
    pub seed: u64,
    /// Number of training pairs (total variation volume and true volume).
    pub pairs: usize,
    /// Number of training steps.
    pub steps: u64,
    /// The volumes on which it was trained.
    pub trained_on: Vec<Provenance>,
    /// The volumes on which it was tested; none of them is in the training.
    pub tested_on: Vec<Provenance>,
    /// The simulated scan geometries, as in the configuration.
    pub geometries: Vec<serde_json::Value>,
    /// Range of each trait over the scans and total variation volumes of the training.
    pub ranges: Ranges,
    /// Strength of the data consistency: the factor c of [`super::Consistency`], chosen on training volumes.
    pub consistency: f64,
    /// Gains over total variation on the test volumes, dB.
    pub figures: BTreeMap<String, f64>,
    /// Versions of the software that made it.
    pub versions: BTreeMap<String, String>,
}

/// A network with its model card.
#[derive(Debug)]
pub struct Prior {
    /// The model card.
    pub card: Card,
    /// The network.
    pub network: Network,
}

fn fault(problem: impl std::fmt::Display) -> Error {
    Error::input("weights", problem).hint("expected a file that `recon train-prior` wrote")
}

impl Prior {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Bytes that are not such a file, are damaged or lack a weight.
    pub fn read(bytes: &[u8], device: Device) -> Result<Self> {
        let texts = named_array::texts(bytes).map_err(|error| fault(format!("no weights: {error}")))?;
        let card = texts.get("card").ok_or_else(|| fault("the file has no model card"))?;
        let plain: serde_json::Value = serde_json::from_str(card).map_err(fault)?;
        if plain["format"] != FORMAT {
            return Err(fault(format!("expected the format {FORMAT}, got {}", plain["format"])));
        }
        let card: Card = serde_json::from_value(plain).map_err(|error| fault(format!("its model card: {error}")))?;
        let sane = card.consistency.is_finite() && card.consistency >= 0.0 && [2, 3].contains(&card.dimensions);
        if !sane {
            return Err(fault("its model card holds figures that make no sense"));
        }
        let arrays = named_array::decode(bytes).map_err(|problem| fault(format!("damaged: {problem}")))?;
        Ok(Self { card, network: Network::from_arrays(&arrays, device)? })
    }

    /// Encodes the network and its card as the bytes of a file.
    ///
    /// # Errors
    /// Memory.
    pub fn write(&self) -> Result<Vec<u8>> {
        let card = serde_json::to_string(&self.card).map_err(fault)?;
        named_array::encode(&self.network.arrays()?, HashMap::from([("card".to_string(), card)])).map_err(fault)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::algorithms::named_array::{NamedArray, encode};

    pub(crate) fn prior() -> Prior {
        let card = Card {
            format: FORMAT.into(),
            name: "test".into(),
            dimensions: 2,
            command: "none".into(),
            seed: 1,
            pairs: 2,
            steps: 3,
            trained_on: vec![Provenance {
                name: "a".into(),
                licence: "MIT".into(),
                credit: "b".into(),
                hash: "c".into(),
            }],
            tested_on: Vec::new(),
            geometries: vec![serde_json::json!({"parallel": {}})],
            ranges: Ranges::default(),
            consistency: 0.3,
            figures: BTreeMap::from([("gain_db".into(), 1.0)]),
            versions: BTreeMap::new(),
        };
        Prior { card, network: Network::new(5, Device::Cpu).unwrap() }
    }

    #[test]
    fn a_prior_reads_back_what_it_wrote() {
        let before = prior();
        let bytes = before.write().unwrap();
        assert!(bytes.len() < 600_000, "{} bytes", bytes.len());
        let after = Prior::read(&bytes, Device::Cpu).unwrap();
        assert_eq!(after.card, before.card);
        assert_eq!(after.network.arrays().unwrap(), before.network.arrays().unwrap());
        assert_eq!(after.write().unwrap().len(), bytes.len());
    }

    #[test]
    fn damaged_and_foreign_files_are_refused_with_a_word() {
        let bytes = prior().write().unwrap();
        let said = |bytes: &[u8]| Prior::read(bytes, Device::Cpu).unwrap_err().to_string();
        assert!(said(b"").contains("no weights") && said(&[0xff; 64]).contains("no weights"));
        assert!(said(&bytes[..bytes.len() - 100]).contains("no weights"));
        let foreign = encode(&prior().network.arrays().unwrap(), HashMap::new()).unwrap();
        assert!(said(&foreign).contains("model card"));
        let with_card = |arrays: &[NamedArray], card: &Card| {
            let card = serde_json::to_string(card).unwrap();
            said(&encode(arrays, HashMap::from([("card".to_string(), card)])).unwrap())
        };
        let (arrays, card) = (prior().network.arrays().unwrap(), prior().card);
        assert!(
            with_card(&arrays[1..], &card).contains("expected 16 tensors, got 15"),
            "{}",
            with_card(&arrays[1..], &card)
        );
        let mut broken = prior().network.arrays().unwrap();
        broken[0].values[0] = f32::NAN;
        assert!(with_card(&broken, &card).contains("not finite"));
        let other = Card { format: "else".into(), ..card };
        assert!(with_card(&arrays, &other).contains("expected the format"));
    }
}
