//! Signals that ask the program to stop. USR1 and TERM come from a batch system, INT from Ctrl-C; the second INT ends
//! the process at once.

use crate::error::{Error, Result, Stop};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// One flag per signal, set by the handlers.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    limit: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the signal handlers of the process on the first call, and returns their flags.
    ///
    /// # Errors
    /// The operating system refuses the handlers.
    pub fn install() -> Result<Self> {
        static INSTALLED: OnceLock<Signals> = OnceLock::new();
        if let Some(signals) = INSTALLED.get() {
            return Ok(signals.clone());
        }
        let signals = Self::default();
        signals.register().map_err(|error| Error::resource("signals", error))?;
        Ok(INSTALLED.get_or_init(|| signals).clone())
    }

    fn register(&self) -> std::io::Result<()> {
        // Registered first, so it runs first: it acts only if an earlier INT has set the flag.
        flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&self.interrupt))?;
        flag::register(SIGINT, Arc::clone(&self.interrupt))?;
        flag::register(SIGTERM, Arc::clone(&self.terminate))?;
        flag::register(SIGUSR1, Arc::clone(&self.limit))?;
        Ok(())
    }

    /// Why the work should end, if a signal was received.
    #[must_use]
    pub fn heard(&self) -> Option<Stop> {
        let flags =
            [(&self.interrupt, Stop::Interrupt), (&self.terminate, Stop::Terminate), (&self.limit, Stop::TimeLimit)];
        flags.into_iter().find(|(flag, _)| flag.load(Ordering::Relaxed)).map(|(_, stop)| stop)
    }
}
