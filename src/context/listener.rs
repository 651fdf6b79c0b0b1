//! [`Listener`]: the listener of one run: its `log.jsonl`, its warnings, and the signals that stop it.

use super::signals::Signals;
use crate::data::{Warning, Warnings};
use crate::error::{Error, Result, Stop};
use crate::progress::{JsonLines, Message, RunListener, RunSpan, StopSignal};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What a run's listener holds.
pub(super) struct Listener<'a> {
    stop: &'a dyn StopSignal,
    heard: Arc<Heard>,
    signals: Signals,
    _span: RunSpan,
}

/// What a run has heard.
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
    /// Appends to the log at `path`.
    pub(super) fn new(stop: &'a dyn StopSignal, path: &Path) -> Result<Self> {
        let file =
            OpenOptions::new().create(true).append(true).open(path).map_err(|error| Error::write(path, &error))?;
        let heard = Arc::new(Heard { log: JsonLines::new(file), warnings: Mutex::default() });
        let signals = Signals::install()?;
        let span = RunSpan::open(heard.clone());
        Ok(Self { stop, heard, signals, _span: span })
    }

    /// Number of warnings heard, repetitions included.
    pub(super) fn count(&self) -> usize {
        self.heard.warnings.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The warnings heard after the first `count`.
    pub(super) fn since(&self, count: usize) -> Warnings {
        self.heard.warnings.lock().unwrap_or_else(PoisonError::into_inner)[count..].to_vec()
    }

    /// Every warning, each once.
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
