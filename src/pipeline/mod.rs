//! [`Pipeline`]: from a YAML file to a report. [`Pipeline::run`] is the whole flow on one screen.

mod config;
mod plan;
mod seen;
mod set;
mod yaml;

pub use config::Config;
pub use plan::Plan;
pub use seen::Seen;
pub use set::Assignment;
pub use yaml::did_you_mean;

use crate::context::{Context, Request, RunFolder, relative};
use crate::data::Report;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::stages::Stage;
use crate::stages::evaluate::Evaluate;
use crate::stages::export::{Export, Results};
use crate::stages::load::Load;
use crate::stages::reconstruct::{Method, Reconstruct};
use crate::stages::simulate::Simulate;
use std::path::{Path, PathBuf};

/// A pipeline whose meaning is checked: its stages, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// What the file and the assignments say, every default explicit.
    pub config: Config,
    load: Load,
    simulate: Simulate,
    reconstruct: Reconstruct,
    evaluate: Evaluate,
    export: Export,
}

impl Pipeline {
    /// Runs the stages in order, up to and including `until`; what earlier runs have done is not done again.
    ///
    /// # Errors
    /// What the stages say. A method that fails or is stopped is no error here: the report says so.
    pub fn run(&self, context: &Context, until: Option<&str>) -> Result<Option<Report>> {
        let ends_at = |stage: &str| until == Some(stage);

        let object = self.load.run((), context)?;
        if ends_at(Load::NAME) {
            return object.content().map(|_| None);
        }
        let scan = self.simulate.run(&object, context)?;
        if ends_at(Simulate::NAME) {
            return Ok(None);
        }
        let outcomes = self.reconstruct.run(&scan, context)?;
        if ends_at(Reconstruct::NAME) {
            return Ok(None);
        }
        let findings = self.evaluate.run((&scan, &outcomes), context)?;
        if ends_at(Evaluate::NAME) {
            return Ok(None);
        }
        self.export.run(Results { object: &object, scan: &scan, outcomes: &outcomes, findings: &findings }, context).map(Some)
    }

    /// Names of the stages, in order.
    pub const STAGES: [&'static str; 5] = [Load::NAME, Simulate::NAME, Reconstruct::NAME, Evaluate::NAME, Export::NAME];

    /// Reads a pipeline file with `--set` assignments.
    ///
    /// # Errors
    /// A file that is not a pipeline; assignments or values that make no sense.
    pub fn read(file: &Path, assignments: &[Assignment]) -> Result<Self> {
        let mut config = Config::read(file, assignments)?;
        config.resolve()?;
        let methods =
            config.reconstruct.iter().map(|entry| Method { name: entry.beside.name.clone().unwrap_or_default(), kind: entry.kind.clone() });
        Ok(Self {
            load: Load { config: config.load.clone() },
            simulate: Simulate { config: config.simulate.clone(), grid: config.grid.clone() },
            reconstruct: Reconstruct { methods: methods.collect() },
            evaluate: Evaluate { config: config.evaluate.clone() },
            export: Export { name: config.name.clone(), config: config.export.clone(), resolved: serde_json::Value::Null },
            config,
        })
    }

    /// The run folder.
    pub fn directory(&self) -> PathBuf {
        self.config.export.directory.clone().unwrap_or_default()
    }

    /// Opens the run folder and takes the machine.
    ///
    /// # Errors
    /// A folder that cannot be written or is in use; a device that cannot be had.
    pub fn open<'a>(&mut self, force: bool, progress: &'a dyn Progress) -> Result<Context<'a>> {
        let request = Request { device: self.config.device, threads: self.config.threads, seed: self.config.seed, force };
        let context = Context::new(&request, RunFolder::open(&self.directory())?, progress)?;
        let mut portable = self.config.clone();
        portable.paths(|path| PathBuf::from(relative(context.folder.root(), path)));
        self.export.resolved = portable.to_value()?;
        Ok(context)
    }

    /// Refuses a stage that does not exist.
    ///
    /// # Errors
    /// The stages there are.
    pub fn check_stage(name: &str) -> Result<()> {
        if Self::STAGES.contains(&name) {
            return Ok(());
        }
        Err(Error::config("--until", format!("no stage `{name}`, {}", did_you_mean(name, &Self::STAGES))))
    }
}
