//! `recon schema`: the JSON schema of a pipeline file, for editors and checkers.

use super::Output;
use crate::benchmarks::Suite;
use crate::pipeline::Config;

/// What `recon schema` may be told.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct Args {
    /// The schema of a suite of `recon bench` instead
    #[arg(long)]
    pub bench: bool,
}

/// The schema (draft-07).
#[must_use]
pub fn run(args: &Args) -> Output {
    let value = if args.bench { Suite::schema() } else { Config::schema() };
    Output { text: format!("{value:#}"), value, summary: String::new() }
}
