//! [`install`]: the program's subscriber, made of the layers of this module.

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

/// The environment variable with the filter of what is shown, in the syntax of `EnvFilter`.
const VARIABLE: &str = "RECON_LOG";

/// A trace that is being written.
pub struct Trace {
    file: Arc<TraceFile>,
    path: PathBuf,
}

impl Trace {
    /// A trace to `file`, which lies at `path`.
    #[must_use]
    pub fn new(file: Box<dyn Write + Send>, path: &Path) -> Self {
        Self { file: Arc::new(TraceFile::new(file)), path: path.to_path_buf() }
    }

    /// Makes the file whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<()> {
        self.file.finish().map_err(|error| Error::write(&self.path, &error))
    }
}

/// A trace of a program that panics is whole too.
impl Drop for Trace {
    fn drop(&mut self) {
        let _ = self.file.finish();
    }
}

/// Makes `listener` hear what the program tells on any thread, as far as the filter lets it: the text of `RECON_LOG`,
/// else everything; nothing if `quiet`. The logs of runs and the trace do not depend on the filter.
///
/// # Errors
/// A filter that is none; a process that has a subscriber already.
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
