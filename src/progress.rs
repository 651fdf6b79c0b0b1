//! How long computations report progress, stop and resume, independently of the user interface: spans and events of
//! `tracing` ([`begin`], [`advance`], [`warn`]), requests to stop ([`StopSignal`]) and storage for states to resume
//! from ([`Checkpoints`]).
//!
//! | target | what | fields |
//! |---|---|---|
//! | [`TASK`] | span of a task with a length, shown as a bar | `task`, `steps` |
//! | [`PART`] | span of a run, stage, method or benchmark cell | `label`, `stage`, `method`, `seconds` |
//! | [`TRIAL`] | span of a trial of a search: messages inside it appear in traces only | `label` |
//! | [`STEP`] | event: `done` steps of the task are finished | `done`, `loss`, `rate`, `residual`, `gap`, `score` |
//! | [`WARNING`] | event: something the user must know | `code` (stable), `message` |
//! | [`BOARD`] | event: a status table that replaces the previous one | `text`, `changes` |
//! | [`NOTE`] | event that only log files hold | `event`, `message` and others |

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
/// Target of the spans of trials of a search.
pub const TRIAL: &str = "recon::trial";
/// Target of the events of [`advance`].
pub const STEP: &str = "recon::step";
/// Target of the events of [`warn`].
pub const WARNING: &str = "recon::warning";
/// Target of the events of [`board`].
pub const BOARD: &str = "recon::board";
/// Target of events that only log files hold.
pub const NOTE: &str = "recon::note";

/// Shortest time between two events of [`advance`], so that in a loop of fast steps most calls only read the clock.
const PERIOD: Duration = Duration::from_millis(100);

thread_local! {
    /// Time of the last [`STEP`] event of the running task of this thread.
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A running task; it ends when this value is dropped.
#[must_use]
#[derive(Debug)]
pub struct Task {
    _span: tracing::span::EnteredSpan,
}

impl Task {
    /// Ends the task.
    pub fn end(self) {}
}

/// Begins a task in the caller's span; `steps` is its number of steps, if known.
pub fn begin(task: &str, steps: Option<u64>) -> Task {
    LAST.set(None);
    Task { _span: tracing::info_span!(target: TASK, "task", task, steps).entered() }
}

/// Reports that `done` steps of the running task are finished, with `figures` to show, such as `("loss", 0.1)`: only
/// `loss`, `rate`, `residual`, `gap` and `score` are passed on. The first call of a task sends an event, later calls
/// send at most one every 0.1 s.
pub fn advance(done: u64, figures: &[(&str, f64)]) {
    if LAST.get().is_some_and(|last| last.elapsed() < PERIOD) {
        return;
    }
    LAST.set(Some(Instant::now()));
    let figure = |wanted: &str| figures.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let [loss, rate, residual, gap, score] = ["loss", "rate", "residual", "gap", "score"].map(figure);
    tracing::info!(target: STEP, done, loss, rate, residual, gap, score);
}

/// Warns the user of something that does not stop the work. `code` is a stable identifier, such as `inverse_crime`.
pub fn warn(code: &str, message: &str) {
    tracing::warn!(target: WARNING, code, message);
}

/// Shows a status table: a terminal draws `text` in place of the previous table, other outputs print the lines of
/// `changes`.
pub fn board(text: &str, changes: &[String]) {
    tracing::info!(target: BOARD, text, changes = changes.join("\n"));
}

/// Tells long computations whether to stop at the next safe point.
pub trait StopSignal {
    /// The reason to stop, or `None` to continue.
    fn stop(&self) -> Option<Stop>;

    /// Turns a request to stop into an error, for places in the code that have no state to save.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the reason of [`StopSignal::stop`].
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

/// Storage for the states from which an algorithm can resume, as bytes. The algorithm knows neither their path nor
/// their file format.
pub trait Checkpoints {
    /// Passes the stored states to `accept`, from the newest to the oldest, until it returns `Ok`. Returns whether it
    /// accepted one.
    ///
    /// # Errors
    /// A state exists but cannot be read.
    fn load(&self, accept: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool>;
    /// Stores `bytes` atomically as the newest state.
    ///
    /// # Errors
    /// The bytes cannot be written.
    fn save(&self, bytes: &[u8]) -> Result<()>;
}

/// Stores nothing.
impl Checkpoints for Silent {
    fn load(&self, _accept: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        Ok(false)
    }
    fn save(&self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }
}
