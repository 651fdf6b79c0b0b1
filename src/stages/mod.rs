//! The stages of a run, one file or folder each: the settings (`Config`) and the work ([`Stage::work`]). Stages use the
//! tools of the crate and the types that are passed between them ([`flow`]), but never each other.

pub mod acquire;
pub mod evaluate;
pub mod export;
pub mod flow;
pub mod grid;
mod held_out;
pub mod load;
pub mod reconstruct;
pub mod scan;
pub mod simulate;
pub mod withheld;

use crate::context::Context;
use crate::error::Result;

/// One step of a run.
pub trait Stage {
    /// Data that the stage receives.
    type Input<'a>
    where
        Self: 'a;
    /// Data that the stage produces.
    type Output<'a>
    where
        Self: 'a;
    /// Name in reports and on the command line.
    const NAME: &'static str;

    /// Does the work, or reads its result from the cache.
    ///
    /// # Errors
    /// The errors of the tools that the stage uses.
    fn work<'a>(&'a self, input: Self::Input<'a>, context: &'a Context) -> Result<Self::Output<'a>>;

    /// Runs [`Stage::work`] and measures its time.
    ///
    /// # Errors
    /// As [`Stage::work`].
    fn run<'a>(&'a self, input: Self::Input<'a>, context: &'a Context) -> Result<Self::Output<'a>> {
        context.stage(Self::NAME, || self.work(input, context))
    }
}
