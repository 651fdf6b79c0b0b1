//! How long computations talk without knowing who listens: [`Progress`] for eyes, [`Checkpoints`] for resuming.

mod json_lines;
mod labelled;

pub use json_lines::JsonLines;
pub use labelled::Labelled;

use crate::error::{Error, Result, Stop};

/// A listener to long work. One task runs at a time; calls come from one thread.
pub trait Progress {
    /// A task begins; `steps` is its length if known.
    fn begin(&self, task: &str, steps: Option<u64>);
    /// `done` steps of the task are finished; `figures` are worth showing, such as `("loss", 0.1)`.
    fn advance(&self, done: u64, figures: &[(&str, f64)]);
    /// The task is over.
    fn end(&self);
    /// Something the user must know but that does not stop the work: `code` is stable, such as `inverse_crime`.
    fn warn(&self, code: &str, message: &str);
    /// Whether the work should end at the next safe point, and why.
    fn stop(&self) -> Option<Stop> {
        None
    }

    /// `Err(Stopped)` if [`Progress::stop`] asks for it: the check for places without a state to save.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the reason.
    fn check_stop(&self) -> Result<()> {
        self.stop().map_or(Ok(()), |why| Err(Error::Stopped(why)))
    }
}

/// A listener that hears nothing, for tests and inner computations.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _steps: Option<u64>) {}
    fn advance(&self, _done: u64, _figures: &[(&str, f64)]) {}
    fn end(&self) {}
    fn warn(&self, _code: &str, _message: &str) {}
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
