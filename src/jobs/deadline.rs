//! [`Deadline`]: asks long work to end when its time is over.

use crate::error::Stop;
use crate::progress::StopSignal;
use std::time::Instant;

/// Passes the question on; from `at` on, [`StopSignal::stop`] says that the time is over.
pub struct Deadline<'a> {
    /// Who is asked first.
    pub inner: &'a dyn StopSignal,
    /// When the time is over; `None` for never.
    pub at: Option<Instant>,
}

impl StopSignal for Deadline<'_> {
    fn stop(&self) -> Option<Stop> {
        let over = self.at.is_some_and(|at| Instant::now() >= at);
        self.inner.stop().or_else(|| over.then_some(Stop::TimeLimit))
    }
}
