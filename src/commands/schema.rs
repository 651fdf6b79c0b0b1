//! `recon schema`: prints the JSON schema of pipeline, suite or study files, for editors and validators.

use super::Output;
use crate::batch::Study;
use crate::benchmarks::Suite;
use crate::pipeline::Config;

/// Arguments of `recon schema`.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct Args {
    /// Print the schema of a suite of `recon bench` instead
    #[arg(long)]
    pub bench: bool,
    /// Print the schema of a study of `recon batch` instead
    #[arg(long, conflicts_with = "bench")]
    pub batch: bool,
}

/// Returns the JSON schema (draft-07).
#[must_use]
pub fn run(args: &Args) -> Output {
    let value = match (args.bench, args.batch) {
        (true, _) => Suite::schema(),
        (_, true) => Study::schema(),
        _ => Config::schema(),
    };
    Output { text: format!("{value:#}"), value, summary: String::new() }
}
