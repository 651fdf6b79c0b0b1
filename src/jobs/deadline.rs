//! [`Deadline`]: asks long work to stop when its time is over.

use crate::error::Stop;
use crate::progress::StopSignal;
use std::time::Instant;

/// A stop signal that passes on the requests of another one and, from a given time on, asks to stop with
/// [`Stop::TimeLimit`].
pub struct Deadline<'a> {
    /// The other stop signal, whose requests come first.
    pub inner: &'a dyn StopSignal,
    /// Time from which on the work should stop; `None` for no limit.
    pub at: Option<Instant>,
}

impl StopSignal for Deadline<'_> {
    fn stop(&self) -> Option<Stop> {
        let over = self.at.is_some_and(|at| Instant::now() >= at);
        self.inner.stop().or_else(|| over.then_some(Stop::TimeLimit))
    }
}
