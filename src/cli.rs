//! What `recon` may be told on the command line. Declarations only: every verb's own flags and work are in its file in
//! [`commands`].

use crate::commands::{self, Output};
use crate::error::Result;
use crate::progress::{StopSignal, Trace};
use crate::terminal::Style;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

/// Few X-ray projections to a trustworthy volume.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "recon", version, max_term_width = 120)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// How progress and warnings look on stderr
    #[arg(long, global = true, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Show nothing but the result and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show progress more often
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// How progress and warnings look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people: bars on a terminal, else a line every few seconds
    #[default]
    Pretty,
    /// One JSON object per line
    Json,
}

/// The verbs.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Run a pipeline; continue one that was stopped
    Run(commands::run::Args),
    /// Write a commented pipeline to begin with
    Init(commands::init::Args),
    /// Validate a pipeline and estimate its cost: shapes, memory and time, device, truncation, outputs
    Check(commands::check::Args),
    /// Say what a file or folder is
    Info(commands::info::Args),
    /// Make the page of a run again, or one page for several runs
    Report(commands::report::Args),
    /// Measure one volume against another, or one run against another
    Compare(commands::compare::Args),
    /// Write an analytic phantom as voxels
    Phantom(commands::phantom::Args),
    /// Evaluate a fitted field on another grid
    Render(commands::render::Args),
    /// Train the network of `tv_refined` on volumes of one's own
    TrainPrior(commands::train_prior::Args),
    /// Compare methods over many settings, as tables
    Bench(commands::bench::Args),
    /// Run a study of many cases on a cluster or on this machine
    Batch(commands::batch::Args),
    /// One element of a study's job array: what schedulers run
    Task(commands::task::Args),
    /// Print the JSON schema of a pipeline
    Schema(commands::schema::Args),
    /// Check that a run's files are still those that were written
    Verify(commands::verify::Args),
    /// Show the processor, memory, GPU and libtorch found, with the reason for what is missing
    Doctor,
    /// Print the script for tab completion
    Completions(commands::completions::Args),
}

impl Command {
    /// Whether it keeps the machine busy for long.
    #[must_use]
    pub fn computes(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Bench(_) | Self::Render(_) | Self::Task(_) | Self::TrainPrior(_))
    }
}

impl Cli {
    /// How the terminal should look.
    #[must_use]
    pub fn style(&self) -> Style {
        match (self.quiet, self.log_format) {
            (true, _) => Style::Quiet,
            (_, LogFormat::Json) => Style::Json,
            _ if self.verbose => Style::Verbose,
            _ => Style::Pretty,
        }
    }

    /// The trace file that it is to write, opened.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn trace(&self) -> Result<Option<Trace>> {
        match &self.command {
            Command::Run(args) => args.trace.open(),
            Command::Bench(args) => args.trace.open(),
            _ => Ok(None),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// What the command says.
    pub fn run(&self, stop: &dyn StopSignal) -> Result<Output> {
        match &self.command {
            Command::Run(args) => commands::run::run(args, stop),
            Command::Check(args) => commands::check::run(args, stop),
            Command::Info(args) => commands::info::run(args),
            Command::Init(args) => commands::init::run(args),
            Command::Report(args) => commands::report::run(args),
            Command::Compare(args) => commands::compare::run(args),
            Command::Phantom(args) => commands::phantom::run(args),
            Command::Render(args) => commands::render::run(args, stop),
            Command::TrainPrior(args) => commands::train_prior::run(args, stop),
            Command::Bench(args) => commands::bench::run(args, stop),
            Command::Batch(args) => commands::batch::run(args, stop),
            Command::Task(args) => commands::task::run(args, stop),
            Command::Schema(args) => Ok(commands::schema::run(args)),
            Command::Verify(args) => commands::verify::run(args),
            Command::Doctor => commands::doctor::run(),
            Command::Completions(args) => Ok(commands::completions::run(args, Self::command())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_consistent() {
        Cli::command().debug_assert();
    }
}
