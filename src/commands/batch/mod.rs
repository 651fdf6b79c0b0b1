//! `recon batch`: runs a study (one pipeline on many cases) on a cluster or on this machine.

mod cancel;
mod collect;
mod status;
mod submit;

use super::Output;
use crate::context::Signals;
use crate::error::{Result, Stop};
use crate::progress::StopSignal;
use clap::Subcommand;

/// Arguments of `recon batch`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The action on the study.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The actions on a study.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Verb {
    /// Save the study with the resolved pipeline of each task, then run the tasks
    Submit(submit::Args),
    /// Show the progress of a study
    Status(status::Args),
    /// Write one table with the results of all tasks
    Collect(collect::Args),
    /// Cancel waiting and running tasks; finished results are kept
    Cancel(cancel::Args),
}

/// Runs the action.
///
/// # Errors
/// The errors of the action.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let stop = Heard { inner: stop, signals: Signals::install()? };
    match &args.verb {
        Verb::Submit(args) => submit::run(args, &stop),
        Verb::Status(args) => status::run(args, &stop),
        Verb::Collect(args) => collect::run(args),
        Verb::Cancel(args) => cancel::run(args),
    }
}

/// Stops when the caller asks for it or when this process receives a signal.
pub(super) struct Heard<'a> {
    pub(super) inner: &'a dyn StopSignal,
    pub(super) signals: Signals,
}

impl StopSignal for Heard<'_> {
    fn stop(&self) -> Option<Stop> {
        self.signals.heard().or_else(|| self.inner.stop())
    }
}
