//! `recon batch`: a study of many cases on a cluster or on this machine.

mod cancel;
mod collect;
mod status;
mod submit;

use super::Output;
use crate::context::Signals;
use crate::error::{Result, Stop};
use crate::progress::StopSignal;
use clap::Subcommand;

/// What `recon batch` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// What to do with the study.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do with a study.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Verb {
    /// Freeze a study and run its tasks
    Submit(submit::Args),
    /// Say how far a study is
    Status(status::Args),
    /// Make one table of all that came of a study
    Collect(collect::Args),
    /// End what waits and what runs; what was done stays
    Cancel(cancel::Args),
}

/// Does it.
///
/// # Errors
/// What the verb says.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let stop = Heard { inner: stop, signals: Signals::install()? };
    match &args.verb {
        Verb::Submit(args) => submit::run(args, &stop),
        Verb::Status(args) => status::run(args, &stop),
        Verb::Collect(args) => collect::run(args),
        Verb::Cancel(args) => cancel::run(args),
    }
}

/// The caller's wish to stop, and the signals of this process.
pub(super) struct Heard<'a> {
    pub(super) inner: &'a dyn StopSignal,
    pub(super) signals: Signals,
}

impl StopSignal for Heard<'_> {
    fn stop(&self) -> Option<Stop> {
        self.signals.heard().or_else(|| self.inner.stop())
    }
}
