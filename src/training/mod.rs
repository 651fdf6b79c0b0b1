//! Training of the network of `tv_refined`. A recipe names volumes, scans and ranges. Pairs of a total variation volume
//! and the truth are simulated once and stored; the network is trained on them; its gain is measured on volumes that it
//! has never seen. The result depends only on the recipe, its volumes, its seed and the number of threads. A training
//! that was stopped can be continued.

mod case;
mod judge;
mod recipe;
mod volumes;

pub use recipe::{Named, Recipe};

use crate::algorithms::refined::{Card, FORMAT, LONGEST, Network, Pair, Prior, Settings, Trainer, traits};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::input_path;
use crate::progress::{self, StopSignal};
use case::Caseload;
use judge::Judge;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use traits::Ranges;
use volumes::Source;

/// Number of steps between two saved states.
const KEEP: u64 = 100;
/// Number of pairs that are simulated between two checks for a stop.
const AT_ONCE: usize = 16;
/// Number of steps over which the displayed gain is averaged.
const SHOWN: u64 = 50;
/// Strengths of the data consistency that are compared, on volumes that were trained on.
const STRENGTHS: [f64; 7] = [0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// Input of a training.
pub struct Request<'a> {
    /// The recipe.
    pub recipe: Recipe,
    /// Folder of the recipe's volumes.
    pub data: PathBuf,
    /// Folder in which pairs and states are stored.
    pub parts: PathBuf,
    /// Command line, recorded in the network's card.
    pub command: String,
    /// Versions of the software, recorded in the network's card.
    pub versions: BTreeMap<String, String>,
    /// Signal to stop.
    pub stop: &'a dyn StopSignal,
}

/// Simulates the pairs, trains the network and evaluates it; returns the network with its card.
///
/// # Errors
/// An invalid recipe, volumes that cannot be read, lack of memory, a stop (what was done is stored).
pub fn train(request: &Request) -> Result<Prior> {
    let recipe = &request.recipe;
    recipe.check()?;
    std::fs::create_dir_all(&request.parts).map_err(|error| Error::write(&request.parts, &error))?;
    let read = |all: &[Named]| all.iter().map(|named| Source::read(named, &request.data)).collect::<Result<Vec<_>>>();
    let (seen, unseen) = (read(&recipe.train)?, read(&recipe.test)?);
    let identity = identity(recipe, &seen);
    let learned = Caseload { recipe, sources: &seen, purpose: "training pair" };
    let (pairs, ranges) = pairs(request, &learned, &identity)?;
    let network = fit(request, &pairs, &identity)?;
    let mut prior = Prior { card: card(request, &seen, &unseen, ranges), network };
    let judge = |sources: &[Source], purpose, count, factors: &[f64]| {
        Judge { cases: Caseload { recipe, sources, purpose }, stop: request.stop }.gains(&prior, count, factors)
    };
    let gains = judge(&seen, "consistency", recipe.validation_cases, &STRENGTHS)?;
    let means: Vec<f64> = gains.iter().map(|gains| judge::mean(gains)).collect();
    let best = (0..STRENGTHS.len()).max_by(|&a, &b| means[a].total_cmp(&means[b])).unwrap_or(0);
    let factor = STRENGTHS[best];
    let without = means[0];
    let found = judge(&unseen, "test", recipe.test_cases, &[factor])?;
    let gains = found.into_iter().next().unwrap_or_default();
    let names = unseen.iter().map(|source| source.provenance.name.as_str());
    prior.card.consistency = factor;
    prior.card.figures = judge::figures(&gains, names);
    prior.card.figures.insert("training_volumes_gain_db".into(), means[best]);
    prior.card.figures.insert("training_volumes_gain_without_consistency_db".into(), without);
    Ok(prior)
}

/// Hash of all that the pairs and states depend on.
fn identity(recipe: &Recipe, seen: &[Source]) -> String {
    let hashes: Vec<&str> = seen.iter().map(|source| source.provenance.hash.as_str()).collect();
    let text = serde_json::json!({"recipe": recipe.of_pairs(), "volumes": hashes, "format": FORMAT}).to_string();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn card(request: &Request, seen: &[Source], unseen: &[Source], ranges: Ranges) -> Card {
    let recipe = &request.recipe;
    let of = |all: &[Source]| all.iter().map(|source| source.provenance.clone()).collect();
    Card {
        format: FORMAT.to_string(),
        name: recipe.name.clone(),
        dimensions: recipe.dimensions(),
        command: request.command.clone(),
        seed: recipe.seed,
        pairs: recipe.pairs,
        steps: recipe.steps,
        trained_on: of(seen),
        tested_on: of(unseen),
        geometries: recipe.geometries.clone(),
        ranges,
        consistency: 0.0,
        figures: BTreeMap::new(),
        versions: request.versions.clone(),
    }
}

/// The pairs, read from the folder if an earlier run stored them, and the ranges of their traits.
fn pairs(request: &Request, cases: &Caseload, identity: &str) -> Result<(Vec<Pair>, Ranges)> {
    let numbers: Vec<u64> = (0..request.recipe.pairs as u64).collect();
    let task = progress::begin("pairs", Some(numbers.len() as u64));
    let folder = &request.parts;
    let one = |&number: &u64| -> Result<(Pair, BTreeMap<String, f64>)> {
        let file = folder.join(format!("pair-{number:05}.safetensors"));
        if let Some(made) = kept(&file, identity) {
            return Ok(made);
        }
        let (pair, traits) = cases.case(number)?.pair()?;
        let about = serde_json::json!({"identity": identity, "traits": traits}).to_string();
        atomic::write(&file, &pair.write(&about)?)?;
        Ok((pair, traits))
    };
    let (mut pairs, mut ranges) = (Vec::new(), Ranges::default());
    let _threads = case::tensors_alone();
    for chunk in numbers.chunks(AT_ONCE) {
        request.stop.check_stop()?;
        for made in chunk.par_iter().map(one).collect::<Vec<_>>() {
            let (pair, traits) = made?;
            ranges.meet(&traits);
            pairs.push(pair);
        }
        progress::advance(pairs.len() as u64, &[]);
    }
    task.end();
    Ok((pairs, ranges))
}

/// A pair that an earlier run stored, if it was made for the same `identity`.
fn kept(file: &Path, identity: &str) -> Option<(Pair, BTreeMap<String, f64>)> {
    let (pair, about) = Pair::read(&std::fs::read(file).ok()?).ok()?;
    let about: serde_json::Value = serde_json::from_str(&about).ok()?;
    let traits = serde_json::from_value(about["traits"].clone()).ok()?;
    (about["identity"] == identity).then_some((pair, traits))
}

/// The network after all steps; continues from the state of an earlier run.
fn fit(request: &Request, pairs: &[Pair], identity: &str) -> Result<Network> {
    let recipe = &request.recipe;
    let Recipe { steps, batch, rate, seed, .. } = *recipe;
    let identity = format!("{identity} {steps} {batch} {rate} {seed}");
    let mut trainer = Trainer::on_cpu(Settings { steps, batch, rate, seed }, pairs)?;
    let file = request.parts.join("state.safetensors");
    if file.is_file() {
        trainer.restore(&input_path::read(&file, 4 * LONGEST)?, &identity)?;
    }
    let task = progress::begin("training", Some(steps));
    let mut gains = 0.0;
    while trainer.step() < steps {
        gains += trainer.advance()?;
        let step = trainer.step();
        if step.is_multiple_of(SHOWN) {
            progress::advance(step, &[("score", gains / SHOWN as f64)]);
            gains = 0.0;
        }
        let stopped = request.stop.stop();
        if step.is_multiple_of(KEEP) || step == steps || stopped.is_some() {
            atomic::write(&file, &trainer.state(&identity)?)?;
        }
        if let Some(why) = stopped {
            return Err(Error::Stopped(why));
        }
    }
    task.end();
    trainer.network()
}
