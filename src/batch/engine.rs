//! [`Engine`]: which scheduler runs a study, and what it is told.

use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::jobs::Ledger;
use crate::schedulers::{Array, Local, Manifest, Resources, Scheduler, Slurm};
use crate::tensors::spin_variable;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::Path;

/// Who runs the tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Processes of this machine.
    #[default]
    Local,
    /// A SLURM job array.
    Slurm,
    /// Files for Kubernetes and AWS Batch.
    Manifest,
}

/// How a study was submitted last: what its status is asked with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Who runs the tasks.
    pub engine: Engine,
    /// Tasks that run at once, of the local engine.
    pub parallel: NonZeroUsize,
    /// What each element asks for.
    pub resources: Resources,
}

/// File of the study's folder.
const FILE: &str = "submitted.json";

impl Submission {
    /// The scheduler.
    #[must_use]
    pub fn scheduler(&self, ledger: &Ledger) -> Box<dyn Scheduler> {
        match self.engine {
            Engine::Local => Box::new(Local { parallel: self.parallel.get(), attempts: ledger.header.attempts }),
            Engine::Slurm => Box::new(Slurm),
            Engine::Manifest => Box::new(Manifest),
        }
    }

    /// The array of these elements.
    ///
    /// # Errors
    /// A program that does not know where it lies.
    pub fn array(&self, ledger: &Ledger, elements: Vec<usize>) -> Result<Array> {
        let mut program = self.resources.program.clone();
        if program.is_empty() {
            let own = std::env::current_exe().map_err(|error| Error::resource("this program's path", error))?;
            program.push(own.display().to_string());
        }
        Ok(Array {
            name: format!("recon-{}", ledger.header.hash),
            folder: ledger.root.clone(),
            program,
            environment: spin_variable().map(|(name, value)| (name.into(), value.into())).into_iter().collect(),
            elements,
            resources: self.resources.clone(),
        })
    }

    /// Writes it into the study's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::resource(FILE, error))?;
        atomic::write(&folder.join(FILE), text.as_bytes())
    }

    /// The last one of a study; `None` if it was only frozen.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
    }
}
