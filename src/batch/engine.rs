//! [`Engine`]: the kind of scheduler that runs a study, and [`Submission`]: what the scheduler is asked for.

use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::jobs::{Ledger, layout};
use crate::schedulers::{Array, Local, Manifest, Resources, Scheduler, Slurm};
use crate::tensors::spin_variable;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::Path;

/// Kind of scheduler that runs the tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Processes on this machine.
    #[default]
    Local,
    /// A SLURM job array.
    Slurm,
    /// Files for Kubernetes and AWS Batch, which the user submits.
    Manifest,
}

/// How a study is submitted. The last submission is saved in the study's folder, because the scheduler is asked for the
/// state of the jobs with the same settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Kind of scheduler that runs the tasks.
    pub engine: Engine,
    /// Number of tasks that run at once; used by the local engine only.
    pub parallel: NonZeroUsize,
    /// Resources that each element of the job array asks for.
    pub resources: Resources,
}

/// Name of the file in the study's folder with the last submission.
const FILE: &str = "submitted.json";

impl Submission {
    /// The scheduler for this submission.
    #[must_use]
    pub fn scheduler(&self, ledger: &Ledger) -> Box<dyn Scheduler> {
        match self.engine {
            Engine::Local => Box::new(Local { parallel: self.parallel.get(), attempts: ledger.header.attempts }),
            Engine::Slurm => Box::new(Slurm),
            Engine::Manifest => Box::new(Manifest),
        }
    }

    /// The job array with these elements.
    ///
    /// # Errors
    /// The path of the running program is needed and cannot be determined.
    pub fn array(&self, ledger: &Ledger, elements: Vec<usize>) -> Result<Array> {
        let mut program = self.resources.program.clone();
        if program.is_empty() {
            let own = std::env::current_exe().map_err(|error| Error::resource("this program's path", error))?;
            program.push(own.display().to_string());
        }
        Ok(Array {
            name: ledger.header.array(),
            folder: ledger.root.clone(),
            cancelled: ledger.root.join(layout::CANCELLED),
            program,
            environment: spin_variable().map(|(name, value)| (name.into(), value.into())).into_iter().collect(),
            elements,
            resources: self.resources.clone(),
        })
    }

    /// Writes the submission into the study's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::resource(FILE, error))?;
        atomic::write(&folder.join(FILE), text.as_bytes())
    }

    /// Reads the last submission of a study; `None` if the study was never submitted or the file is damaged.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
    }
}
