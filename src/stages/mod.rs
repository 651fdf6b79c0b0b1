//! The verbs of a run, one thin file each: what is asked for (`Config`) and how it is done ([`Stage::work`]). Stages
//! know the tools and what flows between them ([`flow`]), never each other.

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

/// One verb of a run.
pub trait Stage {
    /// What flows in.
    type Input<'a>
    where
        Self: 'a;
    /// What flows out.
    type Output<'a>
    where
        Self: 'a;
    /// Name in reports and on the command line.
    const NAME: &'static str;

    /// Does the work, or finds it done.
    ///
    /// # Errors
    /// What the tools say.
    fn work<'a>(&'a self, input: Self::Input<'a>, context: &'a Context) -> Result<Self::Output<'a>>;

    /// [`Stage::work`], timed.
    ///
    /// # Errors
    /// As [`Stage::work`].
    fn run<'a>(&'a self, input: Self::Input<'a>, context: &'a Context) -> Result<Self::Output<'a>> {
        context.stage(Self::NAME, || self.work(input, context))
    }
}
