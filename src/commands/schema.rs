//! `recon schema`: the JSON schema of a pipeline file, for editors and checkers.

use super::Output;
use crate::batch::Study;
use crate::benchmarks::Suite;
use crate::pipeline::Config;

/// What `recon schema` may be told.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct Args {
    /// The schema of a suite of `recon bench` instead
    #[arg(long)]
    pub bench: bool,
    /// The schema of a study of `recon batch` instead
    #[arg(long, conflicts_with = "bench")]
    pub batch: bool,
}

/// The schema (draft-07).
#[must_use]
pub fn run(args: &Args) -> Output {
    let value = match (args.bench, args.batch) {
        (true, _) => Suite::schema(),
        (_, true) => Study::schema(),
        _ => Config::schema(),
    };
    Output { text: format!("{value:#}"), value, summary: String::new() }
}
