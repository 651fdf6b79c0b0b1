//! The command line of `recon`. It only declares the global options and the subcommands: the options and the code of
//! each subcommand are in its own file in [`commands`].

use crate::commands::{self, Output};
use crate::error::Result;
use crate::progress::{StopSignal, Trace};
use crate::terminal::Style;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

/// Reconstruct CT volumes from few X-ray projections and measure their quality.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "recon", version, max_term_width = 120)]
pub struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Format of progress and warnings on stderr
    #[arg(long, global = true, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Show only the result and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show progress more often
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// Format of progress and warnings on stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text: progress bars on a terminal, otherwise a line every few seconds
    #[default]
    Pretty,
    /// One JSON object per line
    Json,
}

/// The subcommands.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Run a pipeline, or continue a run that was stopped
    Run(commands::run::Args),
    /// Write a commented example pipeline to start from
    Init(commands::init::Args),
    /// Validate a pipeline and show its array shapes, memory, run time, device, truncation and outputs, without running
    /// it
    Check(commands::check::Args),
    /// Describe a file or folder, such as its format, shape and spacing
    Info(commands::info::Args),
    /// Write the HTML report of a finished run again, or one report that compares several runs
    Report(commands::report::Args),
    /// Compute the metrics between two volumes, or compare the metrics of two runs
    Compare(commands::compare::Args),
    /// Rasterise an analytic phantom into a volume file
    Phantom(commands::phantom::Args),
    /// Render a fitted field on another grid, as radiographs or as camera images
    Render(commands::render::Args),
    /// Train the network of the `tv_refined` method on your own volumes
    TrainPrior(commands::train_prior::Args),
    /// Run a benchmark suite: every method at every setting, as tables
    Bench(commands::bench::Args),
    /// Run a study (one pipeline on many cases) on a cluster or on this machine
    Batch(commands::batch::Args),
    /// Run one element of a study's job array; schedulers call this command
    Task(commands::task::Args),
    /// Print the JSON schema of pipeline, suite or study files
    Schema(commands::schema::Args),
    /// Check the files of a run against the hashes in its manifest
    Verify(commands::verify::Args),
    /// Show the processor, memory, GPU and libtorch that were found, and why a GPU cannot be used
    Doctor,
    /// Print the tab-completion script for a shell
    Completions(commands::completions::Args),
}

impl Command {
    /// Whether the command computes for long, so that `main` limits the busy-waiting of idle threads.
    #[must_use]
    pub fn computes(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Bench(_) | Self::Render(_) | Self::Task(_) | Self::TrainPrior(_))
    }
}

impl Cli {
    /// Output style that follows from `--quiet`, `--log-format` and `--verbose`, in this order of precedence.
    #[must_use]
    pub fn style(&self) -> Style {
        match (self.quiet, self.log_format) {
            (true, _) => Style::Quiet,
            (_, LogFormat::Json) => Style::Json,
            _ if self.verbose => Style::Verbose,
            _ => Style::Pretty,
        }
    }

    /// Opens the file of `--trace`; `None` if no trace was asked for.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn trace(&self) -> Result<Option<Trace>> {
        match &self.command {
            Command::Run(args) => args.trace.open(),
            Command::Bench(args) => args.trace.open(),
            _ => Ok(None),
        }
    }

    /// Runs the subcommand; long ones end at the next safe point once `stop` asks for it.
    ///
    /// # Errors
    /// The errors of the subcommand.
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
