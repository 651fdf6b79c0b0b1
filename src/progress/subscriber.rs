//! [`install`]: installs the program's `tracing` subscriber, made of the layers of this module.

use super::Listen;
use super::listening::Listening;
use super::runs::Runs;
use super::trace::{TraceFile, Tracing};
use crate::error::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Environment variable that filters the messages shown, in the syntax of `EnvFilter`.
const VARIABLE: &str = "RECON_LOG";

/// A trace file that is being written.
pub struct Trace {
    file: Arc<TraceFile>,
    path: PathBuf,
}

impl Trace {
    /// Creates a trace that writes to `file`; `path` is its path for error messages.
    #[must_use]
    pub fn new(file: Box<dyn Write + Send>, path: &Path) -> Self {
        Self { file: Arc::new(TraceFile::new(file)), path: path.to_path_buf() }
    }

    /// Completes the file, so that it is valid JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<()> {
        self.file.finish().map_err(|error| Error::write(&self.path, &error))
    }
}

/// Completes the file even if the program panics.
impl Drop for Trace {
    fn drop(&mut self) {
        let _ = self.file.finish();
    }
}

/// Sends the messages of all threads to `listener`, filtered by the environment variable `RECON_LOG`: without it, all
/// messages of level info and above; none if `quiet`. The logs of runs and the trace do not depend on the filter.
///
/// # Errors
/// An invalid filter; a process that has a subscriber already.
pub fn install(listener: impl Listen + Send + Sync, quiet: bool, trace: Option<Trace>) -> Result<Option<Trace>> {
    let tracing = trace.as_ref().map(|trace| Tracing(Arc::clone(&trace.file)));
    let subscriber = tracing_subscriber::registry()
        .with(Runs::default().layer())
        .with(tracing)
        .with(Listening(listener).with_filter(filter(quiet)?));
    tracing::subscriber::set_global_default(subscriber).map_err(|error| Error::resource("tracing", error))?;
    Ok(trace)
}

fn filter(quiet: bool) -> Result<EnvFilter> {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let text = match (quiet, text.is_empty()) {
        (true, _) => "off",
        (false, true) => "recon=info",
        (false, false) => text.as_str(),
    };
    EnvFilter::builder().parse(text).map_err(|error| {
        Error::config(VARIABLE, error)
            .hint("expected a filter such as `warn`, or `recon::warning=warn,recon::task=info`")
    })
}
