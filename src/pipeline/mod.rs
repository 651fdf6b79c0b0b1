//! [`Pipeline`]: everything from the YAML file to the report. [`Pipeline::run`] shows the whole flow.

mod config;
mod coverage;
mod plan;

pub use crate::assignment::Assignment;
pub use crate::yaml::did_you_mean;
pub(crate) use crate::yaml::{LONGEST, parse};
pub use config::Config;
pub use coverage::Coverage;
pub use plan::Plan;

use crate::context::{Context, Request};
use crate::data::Report;
use crate::error::{Error, Result};
use crate::formats::dicom::Identity;
use crate::input_path;
use crate::progress::{self, Hidden, StopSignal};
use crate::stages::Stage;
use crate::stages::acquire::Acquire;
use crate::stages::acquire::images::AcquireImages;
use crate::stages::evaluate::Evaluate;
use crate::stages::export::{Export, Results};
use crate::stages::flow::Measurement;
use crate::stages::load::Load;
use crate::stages::reconstruct::{Method, Reconstruct};
use crate::stages::simulate::Simulate;
use crate::stages::simulate::pictures::Photograph;
use std::path::{Path, PathBuf};

/// A pipeline whose configuration is checked; its stages are ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// The configuration with all defaults filled in.
    pub config: Config,
    source: MeasurementSource,
    reconstruct: Reconstruct,
    evaluate: Evaluate,
    export: Export,
}

/// Source of the projections or pictures.
#[derive(Debug, Clone, PartialEq)]
enum MeasurementSource {
    Simulated(Box<Load>, Box<Simulate>),
    Measured(Box<Acquire>),
    Photographed(Box<Load>, Box<Photograph>),
    Pictures(Box<AcquireImages>),
}

impl MeasurementSource {
    /// Runs load and simulate, or acquire.
    fn measured(&self, context: &Context) -> Result<Measurement> {
        let projections = |scan| Measurement::Projections(Box::new(scan));
        let pictures = |scene| Measurement::Pictures(Box::new(scene));
        match self {
            Self::Simulated(load, simulate) => simulate.run(&load.run((), context)?, context).map(projections),
            Self::Measured(acquire) => acquire.run((), context).map(projections),
            Self::Photographed(load, photograph) => photograph.run(&load.run((), context)?, context).map(pictures),
            Self::Pictures(acquire) => acquire.run((), context).map(pictures),
        }
    }

    /// Whether the methods reconstruct from camera pictures instead of X-ray projections.
    fn is_pictures(&self) -> bool {
        matches!(self, Self::Photographed(..) | Self::Pictures(_))
    }

    fn of(config: &Config) -> Result<Self> {
        let grid = config.grid.clone();
        match (&config.load, &config.simulate, &config.acquire) {
            (Some(load), Some(simulate), None) => {
                let load = Box::new(Load { config: load.clone() });
                Ok(match &simulate.cameras {
                    None => Self::Simulated(load, Box::new(Simulate { config: simulate.clone(), grid })),
                    Some(cameras) => {
                        let appearance = simulate.appearance.clone().unwrap_or_default();
                        Self::Photographed(load, Box::new(Photograph { cameras: cameras.clone(), appearance, grid }))
                    }
                })
            }
            (None, None, Some(acquire)) => Ok(match acquire.kind.as_part().pictures() {
                Some(files) => Self::Pictures(Box::new(AcquireImages { files: files.clone(), grid })),
                None => Self::Measured(Box::new(Acquire { config: acquire.clone(), grid })),
            }),
            _ => Err(Error::config("load", "expected `load` and `simulate`, or `acquire`")),
        }
    }
}

impl Pipeline {
    /// Runs all stages. Work that earlier runs in the same folder have finished is not repeated.
    ///
    /// # Errors
    /// The errors of the stages. A method that fails or is stopped is not an error here: the report says so.
    pub fn run(&self, context: &Context) -> Result<Report> {
        let measured = self.source.measured(context)?;
        let outcomes = self.reconstruct.run(&measured, context)?;
        let findings = self.evaluate.run((&measured, &outcomes), context)?;
        let resolved = self.resolved(context)?;
        self.export.run(Results { measured: &measured, outcomes: &outcomes, findings: &findings, resolved }, context)
    }

    /// The pipeline with all defaults written out. Paths are relative to the run folder, or replaced by placeholders
    /// unless the identity is kept.
    fn resolved(&self, context: &Context) -> Result<serde_json::Value> {
        if self.config.export.dicom.identity() == Identity::Keep {
            return self.config.portable(context.folder.root());
        }
        let mut value = self.config.to_value()?;
        progress::cover_json(&mut value);
        Ok(value)
    }

    /// Runs the stages up to and including `stage`, which is not the last one.
    ///
    /// # Errors
    /// The errors of the stages, or of the first method that failed.
    pub fn run_until(&self, stage: &str, context: &Context) -> Result<()> {
        if let (Load::NAME, MeasurementSource::Simulated(load, _) | MeasurementSource::Photographed(load, _)) =
            (stage, &self.source)
        {
            return load.run((), context)?.content().map(drop);
        }
        let measured = self.source.measured(context)?;
        if [Load::NAME, Simulate::NAME, Acquire::NAME].contains(&stage) {
            return Ok(());
        }
        let outcomes = self.reconstruct.run(&measured, context)?;
        if let Some((method, why)) = outcomes.iter().find_map(|outcome| Some((&outcome.name, outcome.reason.as_ref()?)))
        {
            context.stop_signal().check_stop()?;
            return Err(Error::resource(format!("method {method}"), why));
        }
        if stage == Evaluate::NAME {
            self.evaluate.run((&measured, &outcomes), context)?;
        }
        Ok(())
    }

    /// Names of the stages, in the order in which they run.
    pub const STAGES: [&'static str; 6] =
        [Load::NAME, Simulate::NAME, Acquire::NAME, Reconstruct::NAME, Evaluate::NAME, Export::NAME];

    /// Reads a pipeline file and applies `--set` assignments.
    ///
    /// # Errors
    /// The file is no valid pipeline, or an assignment or a value is invalid.
    pub fn read(file: &Path, assignments: &[Assignment]) -> Result<Self> {
        Self::new(Config::read(file, assignments)?)
    }

    /// Creates the pipeline of a configuration, whose paths are relative to the working directory.
    ///
    /// # Errors
    /// Invalid values.
    pub fn new(mut config: Config) -> Result<Self> {
        config.resolve()?;
        config.export.check()?;
        let methods = config.reconstruct.iter().map(|entry| Method {
            name: entry.keys.name.clone().unwrap_or_default(),
            kind: entry.kind.clone(),
            model: entry.keys.projector.unwrap_or_default(),
            discretisation: entry.keys.discretisation.unwrap_or_default(),
            start_from: entry.keys.start_from.clone(),
        });
        Ok(Self {
            source: MeasurementSource::of(&config)?,
            reconstruct: Reconstruct { methods: methods.collect(), cross_validation: config.evaluate.cross_validation },
            evaluate: Evaluate { config: config.evaluate.clone() },
            export: Export { name: config.name.clone(), config: config.export.clone() },
            config,
        })
    }

    /// Path of the run folder.
    pub fn directory(&self) -> PathBuf {
        self.config.export.directory.clone().unwrap_or_default()
    }

    /// Chooses the device and the number of threads, and opens the run folder.
    ///
    /// # Errors
    /// The folder cannot be written or is in use, or the device is not available.
    pub fn open<'a>(&self, force: bool, stop: &'a dyn StopSignal) -> Result<Context<'a>> {
        self.open_in(&self.directory(), force, stop)
    }

    /// As [`Self::open`], with another run folder than the one of the pipeline.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_in<'a>(&self, folder: &Path, force: bool, stop: &'a dyn StopSignal) -> Result<Context<'a>> {
        self.config.limits.set()?;
        let Config { device, threads, seed, ref name, .. } = self.config;
        let request = Request { device, threads, seed, name: name.clone(), force };
        Context::new(&request, self.hidden()?, folder, stop)
    }

    /// Hides all names that may identify the patient in messages, for as long as the returned value lives, unless the
    /// identity is kept.
    ///
    /// # Errors
    /// Never for a pipeline that was read from YAML.
    pub fn hidden(&self) -> Result<Option<Hidden>> {
        if self.config.export.dicom.identity() == Identity::Keep {
            return Ok(None);
        }
        let series = self.config.load.iter().filter_map(|load| load.kind.as_part().origin()?.series);
        Ok(Some(Hidden::new(&input_path::named(&self.config)?, &series.collect::<Vec<_>>())))
    }

    /// Refuses the name of a stage that does not exist.
    ///
    /// # Errors
    /// An unknown name; the error lists the stages.
    pub fn check_stage(name: &str) -> Result<()> {
        if Self::STAGES.contains(&name) {
            return Ok(());
        }
        Err(Error::config("--until", format!("no stage `{name}`, {}", did_you_mean(name, &Self::STAGES))))
    }
}
