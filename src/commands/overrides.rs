//! Options that change a pipeline: `--set`, and short forms for the keys that are changed most often.

use crate::error::Result;
use crate::pipeline::{Assignment, Pipeline};
use std::path::{Path, PathBuf};

/// Changes to a pipeline file.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct Overrides {
    /// Change a value of the pipeline, such as simulate.noise.photons=1e4 (repeatable; values are YAML)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Run folder (export.directory)
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Device to compute on: auto, cpu, cuda or cuda:N
    #[arg(long)]
    pub device: Option<String>,
    /// Number of threads, or auto
    #[arg(long)]
    pub threads: Option<String>,
}

impl Overrides {
    /// Reads the pipeline and applies the changes; the short forms take precedence over `--set`.
    ///
    /// # Errors
    /// A file that is not a pipeline, or an invalid change.
    pub fn read(&self, file: &Path) -> Result<Pipeline> {
        let mut assignments = self.set.iter().map(|text| text.parse()).collect::<Result<Vec<Assignment>>>()?;
        let short = [("device", &self.device), ("threads", &self.threads)];
        for (key, value) in short.into_iter().filter_map(|(key, value)| value.as_ref().map(|value| (key, value))) {
            assignments.push(format!("{key}={value}").parse()?);
        }
        if let Some(directory) = &self.output {
            assignments.push(Assignment::literal(&["export", "directory"], directory.to_string_lossy().into()));
        }
        Pipeline::read(file, &assignments)
    }
}
