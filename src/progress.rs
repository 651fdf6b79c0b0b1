//! How long computations speak without knowing who listens: spans and events of `tracing` ([`begin`], [`advance`],
//! [`warn`]), a question whether to end ([`StopSignal`]) and a keeper of states to resume from ([`Checkpoints`]).
//!
//! | target | what | fields |
//! |---|---|---|
//! | [`TASK`] | span of a task with a length, shown as a bar | `task`, `steps` |
//! | [`PART`] | span of a run, stage, method or benchmark cell | `label`, `stage`, `method`, `seconds` |
//! | [`TRIAL`] | span of a trial of a search: only traces show what is in it | `label` |
//! | [`STEP`] | event: so many steps of the task are done | `done`, `loss`, `rate`, `residual`, `gap`, `score` |
//! | [`WARNING`] | event: something the user must know | `code` (stable), `message` |
//! | [`BOARD`] | event: how far something stands, drawn in place of the one before | `text`, `changes` |
//! | [`NOTE`] | event for logs only | `event`, `message` and others |

mod clock;
mod hidden;
mod json_lines;
mod listening;
mod message;
mod runs;
pub(crate) mod shown;
mod subscriber;
mod trace;

pub use clock::clock;
pub use hidden::{Hidden, cover_files, cover_json, covered};
pub use json_lines::JsonLines;
pub use listening::{Listen, Place};
pub use message::Message;
pub use runs::{RunListener, RunSpan};
pub use shown::{place, shown};
pub use subscriber::{Trace, install};

use crate::error::{Error, Result, Stop};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Target of the spans of tasks.
pub const TASK: &str = "recon::task";
/// Target of the spans of runs, stages, methods and benchmark cells.
pub const PART: &str = "recon::part";
/// Target of the spans of trials.
pub const TRIAL: &str = "recon::trial";
/// Target of the events of [`advance`].
pub const STEP: &str = "recon::step";
/// Target of the events of [`warn`].
pub const WARNING: &str = "recon::warning";
/// Target of the events of [`board`].
pub const BOARD: &str = "recon::board";
/// Target of events that only logs hold.
pub const NOTE: &str = "recon::note";

/// Shortest time between two events of [`advance`]: a loop of fast steps pays for a look at the clock and no more.
const PERIOD: Duration = Duration::from_millis(100);

thread_local! {
    /// When the running task of this thread last said how far it is.
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A task that runs until this is dropped.
#[must_use]
#[derive(Debug)]
pub struct Task {
    _span: tracing::span::EnteredSpan,
}

impl Task {
    /// The task is over.
    pub fn end(self) {}
}

/// A task begins in the span of the caller; `steps` is its length if known.
pub fn begin(task: &str, steps: Option<u64>) -> Task {
    LAST.set(None);
    Task { _span: tracing::info_span!(target: TASK, "task", task, steps).entered() }
}

/// `done` steps of the running task are finished; `figures` are worth showing, such as `("loss", 0.1)`. The first call
/// of a task is an event, later ones are at most every tenth of a second.
pub fn advance(done: u64, figures: &[(&str, f64)]) {
    if LAST.get().is_some_and(|last| last.elapsed() < PERIOD) {
        return;
    }
    LAST.set(Some(Instant::now()));
    let figure = |wanted: &str| figures.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let [loss, rate, residual, gap, score] = ["loss", "rate", "residual", "gap", "score"].map(figure);
    tracing::info!(target: STEP, done, loss, rate, residual, gap, score);
}

/// Something the user must know but that does not stop the work: `code` is stable, such as `inverse_crime`.
pub fn warn(code: &str, message: &str) {
    tracing::warn!(target: WARNING, code, message);
}

/// How far something stands: a terminal draws `text` in place of the one before, others get the lines of `changes`.
pub fn board(text: &str, changes: &[String]) {
    tracing::info!(target: BOARD, text, changes = changes.join("\n"));
}

/// Whether long work should end at the next safe point.
pub trait StopSignal {
    /// Why it should end, if it should.
    fn stop(&self) -> Option<Stop>;

    /// `Err(Stopped)` if [`StopSignal::stop`] asks for it: the check for places without a state to save.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the reason.
    fn check_stop(&self) -> Result<()> {
        self.stop().map_or(Ok(()), |why| Err(Error::Stopped(why)))
    }
}

/// Never asks for a stop and keeps no state, for tests and inner computations.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl StopSignal for Silent {
    fn stop(&self) -> Option<Stop> {
        None
    }
}

/// Where an algorithm keeps the bytes it can resume from. It knows neither path nor file format of its keeper.
pub trait Checkpoints {
    /// The newest state that `accept` takes, tried from the newest generation to the oldest; `None` without one.
    ///
    /// # Errors
    /// When a state exists but cannot be read.
    fn load(&self, accept: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool>;
    /// Keeps `bytes` as the newest generation, atomically.
    ///
    /// # Errors
    /// When the bytes cannot be written.
    fn save(&self, bytes: &[u8]) -> Result<()>;
}

/// Keeps nothing.
impl Checkpoints for Silent {
    fn load(&self, _accept: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        Ok(false)
    }
    fn save(&self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }
}
