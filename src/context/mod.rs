//! [`Context`]: what a run lends its stages: device, seed, threads, the run folder, the cache of earlier runs, the
//! question whether to stop, timings. A stage asks it for a key and for cached work; it never sees who listens or
//! where records lie.

mod cache;
pub mod calendar;
mod checkpoints;
mod circumstances;
mod files;
mod folder;
mod inputs;
mod key;
pub mod layout;
mod listener;
mod machine;
mod owner;
mod signals;
pub mod throughput;
mod timings;

pub use cache::{CachedOutput, StageOutput};
pub use checkpoints::Generations;
pub use circumstances::circumstances;
pub use files::{InputFile, hash_bytes, hash_file, relative};
pub use folder::RunFolder;
pub use inputs::Inputs;
pub use key::Key;
pub use machine::{Machine, Threads, peak_memory, processor, reset_peak_memory};
pub use signals::Signals;

use crate::data::{StageReport, Warning, Warnings};
use crate::error::{Error, Result};
use crate::progress::{self, Hidden, NOTE, PART, StopSignal};
use crate::tensors::{self, DeviceRequest};
use listener::Listener;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::path::Path;
use std::time::SystemTime;
use timings::Timings;

/// What a run is asked for beside its pipeline.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Device to compute on.
    pub device: DeviceRequest,
    /// Threads of rayon and libtorch alike.
    pub threads: Threads,
    /// Seed of all randomness.
    pub seed: u64,
    /// Name of the pipeline: the folder holds the results of one.
    pub name: String,
    /// Whether results and checkpoints of earlier runs are ignored, whosever they are.
    pub force: bool,
}

/// What a run lends its stages.
pub struct Context<'a> {
    /// The machine as this run uses it: device, threads, versions.
    pub machine: Machine,
    /// Seed of all randomness.
    pub seed: u64,
    /// Where the results go.
    pub folder: RunFolder,
    force: bool,
    begun: SystemTime,
    /// The names that the run does not tell.
    _hidden: Option<Hidden>,
    listener: Listener<'a>,
    timings: RefCell<Timings>,
}

impl<'a> Context<'a> {
    /// Takes the device and the threads, then opens (and locks) the run folder.
    ///
    /// # Errors
    /// A device that cannot be had; a folder that cannot be written, that another process is using or that holds the
    /// results of another pipeline.
    pub fn new(request: &Request, hidden: Option<Hidden>, directory: &Path, stop: &'a dyn StopSignal) -> Result<Self> {
        let begun = SystemTime::now();
        let machine = Machine::take(request.device, request.threads)?;
        if !request.force {
            owner::check(directory, &request.name)?;
        }
        let folder = RunFolder::open(directory)?;
        owner::sign(&folder, &request.name)?;
        if hidden.is_some() {
            cache::cover(&folder)?;
        }
        let listener = Listener::new(stop, &folder.path(layout::LOG))?;
        tracing::info!(target: NOTE, event = "start", message = machine.device_reason.as_str());
        Ok(Self {
            machine,
            seed: request.seed,
            folder,
            force: request.force,
            begun,
            _hidden: hidden,
            listener,
            timings: RefCell::default(),
        })
    }

    /// Whether long work should end: by a signal, or by whoever started the run.
    pub fn stop_signal(&self) -> &dyn StopSignal {
        &self.listener
    }

    /// Warns of everything a tool returned with its value.
    pub fn warn_all(&self, warnings: &[Warning]) {
        for warning in warnings {
            progress::warn(&warning.code, &warning.message);
        }
    }

    /// Every warning so far, each once.
    pub fn warnings(&self) -> Warnings {
        self.listener.warnings()
    }

    /// Times a stage. Until something in it is really done (see [`Context::cached`]), it counts as cached.
    ///
    /// # Errors
    /// What the stage says.
    pub fn stage<T>(&self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let span = tracing::info_span!(target: PART, "stage", stage = name, seconds = tracing::field::Empty).entered();
        self.timings.borrow_mut().begin(name);
        let result = tensors::guarded(work);
        let seconds = self.timings.borrow_mut().end();
        span.record("seconds", seconds);
        let message = format!("{name}: {seconds:.3} s");
        tracing::info!(target: NOTE, event = "stage", message = message.as_str(), stage = name, seconds);
        result
    }

    /// Says that the running stage does real work.
    pub fn fresh(&self) {
        self.timings.borrow_mut().fresh();
    }

    /// Seconds of each stage so far.
    pub fn stages(&self) -> Vec<StageReport> {
        self.timings.borrow().report()
    }

    /// The cache key of work with this config and these inputs, on this machine as this run uses it.
    ///
    /// # Errors
    /// A config that is not JSON (never, for configs read from YAML).
    pub fn key(&self, work: &str, config: &impl Serialize, inputs: &[&Key]) -> Result<Key> {
        let facts = serde_json::json!({"work": work, "seed": self.seed, "machine": self.machine.key_facts()});
        Key::of(&(config, inputs, facts))
    }

    /// The result of `work` called `name`: an earlier run's if its key is `key` and its files are unharmed, else made
    /// now. What is returned is always read back from the record, so a run that resumes sees the very same values.
    ///
    /// # Errors
    /// What the work says; a record that cannot be written.
    pub fn cached<V: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        key: &Key,
        work: impl FnOnce() -> Result<StageOutput<V>>,
    ) -> Result<CachedOutput<V>> {
        if !self.force
            && let Some(kept) = cache::recall(&self.folder, name, key)
        {
            self.warn_all(&kept.warnings);
            return Ok(kept);
        }
        self.fresh();
        cache::forget(&self.folder, name)?;
        let heard = self.listener.count();
        let begin = std::time::Instant::now();
        let made = work()?;
        let warnings = self.listener.since(heard);
        let seconds = made.seconds_before + begin.elapsed().as_secs_f64();
        cache::store(&self.folder, name, key, &made, seconds, warnings)?;
        let lost = || {
            Error::resource(
                self.folder.path(name).display().to_string(),
                "the result changed while it was being recorded",
            )
        };
        cache::recall(&self.folder, name, key).map(|kept| CachedOutput { fresh: true, ..kept }).ok_or_else(lost)
    }

    /// The first of these inputs that is no longer what was read, if it was written or replaced since the run began.
    #[must_use]
    pub fn changed<'f>(&self, inputs: &'f [InputFile]) -> Option<&'f InputFile> {
        inputs.iter().find(|file| file.is_replaced_since(self.begun))
    }

    /// The records of finished work, relative to the run folder.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn records(&self) -> Result<Vec<String>> {
        cache::records(&self.folder)
    }

    /// The keeper of a method's checkpoints for work on these facts: settings, seed, data. The device and the versions
    /// are added; the number of threads changes no more than the last bits and is no reason to begin again.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn checkpoints(&self, folder: &str, mut facts: serde_json::Value) -> Result<Generations> {
        facts["seed"] = self.seed.into();
        facts["cuda"] = self.machine.device.is_cuda().into();
        let versions = Machine::versions().into_iter().map(|(name, version)| (name, serde_json::Value::from(version)));
        facts["versions"] = versions.collect();
        Generations::open(&self.folder, folder, facts, self.machine.threads, self.force)
    }
}
