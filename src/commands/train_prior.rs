//! `recon train-prior RECIPE --data DIR -o OUT`: trains the network of the `tv_refined` method on the user's own
//! volumes.

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

/// Arguments of `recon train-prior`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The training recipe (YAML): training and test volumes, scan geometries, parameter ranges, numbers of pairs and
    /// steps
    pub recipe: PathBuf,
    /// Folder of the recipe's volumes
    #[arg(long)]
    pub data: PathBuf,
    /// File of network weights to write (.safetensors)
    #[arg(short, long)]
    pub output: PathBuf,
    /// Folder for training pairs and checkpoints, from which a stopped training continues; default: the output file's
    /// name with the ending .parts
    #[arg(long)]
    pub parts: Option<PathBuf>,
    /// Random seed that replaces the recipe's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Number of threads; the last bits of the weights depend on it
    #[arg(long)]
    pub threads: Option<NonZeroUsize>,
}

/// Trains the network and writes its weights.
///
/// # Errors
/// A recipe or volumes that cannot be read, too little memory, a stop, a file that cannot be written.
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

/// The figures of the network's model card as aligned lines.
fn summary(card: &Card) -> String {
    let figure = |(name, value): (&String, &f64)| (name.clone(), format!("{value:.2}"));
    let mut all: Vec<(String, String)> = card.figures.iter().map(figure).collect();
    all.push(("consistency".into(), card.consistency.to_string()));
    let range = |(name, [low, high]): (&String, &[f64; 2])| (name.clone(), format!("{low:.4} to {high:.4}"));
    all.extend(card.ranges.0.iter().map(range));
    rows(&all)
}
