//! `recon train-prior RECIPE --data DIR -o OUT`: the network of `tv_refined`, trained on volumes of one's own.

use super::{Output, rows};
use crate::algorithms::refined::Card;
use crate::context::{Machine, Threads};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress::{self, StopSignal};
use crate::tensors::DeviceRequest;
use crate::training::{self, Recipe, Request};
use crate::yaml;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What `recon train-prior` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The recipe (YAML): volumes to train and to test on, scans, ranges, pairs, steps
    pub recipe: PathBuf,
    /// The folder that the recipe's volumes lie in
    #[arg(long)]
    pub data: PathBuf,
    /// The file of weights to write (.safetensors)
    #[arg(short, long)]
    pub output: PathBuf,
    /// Folder for pairs and states, from which a stopped training goes on; default: OUTPUT.parts
    #[arg(long)]
    pub parts: Option<PathBuf>,
    /// Another seed than the recipe's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads; the weights' last bits depend on their number
    #[arg(long)]
    pub threads: Option<NonZeroUsize>,
}

/// Trains.
///
/// # Errors
/// A recipe or volumes that cannot be read, memory, a stop, a file that cannot be written.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let text = std::fs::read_to_string(&args.recipe).map_err(|error| Error::read(&args.recipe, &error))?;
    let mut recipe: Recipe = yaml::parse(&text, &progress::place(&args.recipe))?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    let machine = Machine::take(DeviceRequest::Cpu, args.threads.map_or_else(Threads::default, Threads::Count))?;
    let versions = Machine::versions().into_iter().chain([("threads".to_string(), machine.threads.to_string())]);
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let request = Request {
        command: format!(
            "recon train-prior {} --data DATA -o {} --seed {} --threads {}",
            name(&args.recipe),
            name(&args.output),
            recipe.seed,
            machine.threads
        ),
        data: args.data.clone(),
        parts: args.parts.clone().unwrap_or_else(|| args.output.with_extension("parts")),
        versions: versions.collect(),
        recipe,
        stop,
    };
    let prior = training::train(&request)?;
    atomic::write(&args.output, &prior.write()?)?;
    let value = serde_json::to_value(&prior.card).map_err(|error| Error::resource("card", error))?;
    Ok(Output { text: progress::place(&args.output), value, summary: summary(&prior.card) })
}

/// The card's figures for people.
fn summary(card: &Card) -> String {
    let figure = |(name, value): (&String, &f64)| (name.clone(), format!("{value:.2}"));
    let mut all: Vec<(String, String)> = card.figures.iter().map(figure).collect();
    all.push(("consistency".into(), card.consistency.to_string()));
    let range = |(name, [low, high]): (&String, &[f64; 2])| (name.clone(), format!("{low:.4} to {high:.4}"));
    all.extend(card.ranges.0.iter().map(range));
    rows(&all)
}
