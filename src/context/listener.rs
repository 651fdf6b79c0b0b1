//! [`Listener`]: receives the messages of one run. It writes `log.jsonl`, collects the warnings, and tells whether a
//! signal asks the run to stop.

use super::signals::Signals;
use crate::data::{Warning, Warnings};
use crate::error::{Error, Result, Stop};
use crate::progress::{JsonLines, Message, RunListener, RunSpan, StopSignal};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Listener of one run.
pub(super) struct Listener<'a> {
    stop: &'a dyn StopSignal,
    heard: Arc<Heard>,
    signals: Signals,
    _span: RunSpan,
}

/// Messages received so far: the log file and the warnings.
struct Heard {
    log: JsonLines<File>,
    warnings: Mutex<Warnings>,
}

impl RunListener for Heard {
    fn hear(&self, message: &Message) {
        if let Message::Warning { code, message } = message {
            let warning = Warning::new(code.as_str(), message.as_str());
            let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
            let known = warnings.contains(&warning);
            warnings.push(warning);
            if known {
                return;
            }
        }
        self.log.write(message);
    }
}

impl<'a> Listener<'a> {
    /// Opens the log at `path` for appending, installs the signal handlers and starts listening.
    pub(super) fn new(stop: &'a dyn StopSignal, path: &Path) -> Result<Self> {
        let file =
            OpenOptions::new().create(true).append(true).open(path).map_err(|error| Error::write(path, &error))?;
        let heard = Arc::new(Heard { log: JsonLines::new(file), warnings: Mutex::default() });
        let signals = Signals::install()?;
        let span = RunSpan::open(heard.clone());
        Ok(Self { stop, heard, signals, _span: span })
    }

    /// Number of warnings received, repetitions included.
    pub(super) fn count(&self) -> usize {
        self.heard.warnings.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Warnings received after the first `count`.
    pub(super) fn since(&self, count: usize) -> Warnings {
        self.heard.warnings.lock().unwrap_or_else(PoisonError::into_inner)[count..].to_vec()
    }

    /// All warnings without repetitions.
    pub(super) fn warnings(&self) -> Warnings {
        let mut unique = Warnings::new();
        for warning in self.since(0) {
            if !unique.contains(&warning) {
                unique.push(warning);
            }
        }
        unique
    }
}

impl StopSignal for Listener<'_> {
    fn stop(&self) -> Option<Stop> {
        self.signals.heard().or_else(|| self.stop.stop())
    }
}
