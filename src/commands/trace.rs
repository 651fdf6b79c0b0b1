//! The option `--trace FILE` of the commands that take long.

use crate::error::{Error, Result};
use crate::progress::Trace;
use std::fs::File;
use std::path::PathBuf;

/// The file that records when each part of the program ran.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct TraceFlag {
    /// Write a timeline of the run to this JSON file, for Perfetto (ui.perfetto.dev) or chrome://tracing
    #[arg(long = "trace", value_name = "FILE")]
    pub path: Option<PathBuf>,
}

impl TraceFlag {
    /// Creates the file, if one is asked for.
    ///
    /// # Errors
    /// A file that cannot be created.
    pub fn open(&self) -> Result<Option<Trace>> {
        let Some(path) = &self.path else { return Ok(None) };
        let file = File::create(path).map_err(|error| Error::write(path, &error))?;
        Ok(Some(Trace::new(Box::new(file), path)))
    }
}
