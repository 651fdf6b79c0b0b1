//! [`Context`]: everything a run provides to its stages: device, seed, threads, the run folder, the cache of earlier
//! runs, the stop signal, and timings. A stage asks it for cache keys and cached work; it need not know who receives
//! the messages or where the cache records are stored.

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

/// Settings with which a [`Context`] is created.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Device to compute on.
    pub device: DeviceRequest,
    /// Number of threads of both rayon and libtorch.
    pub threads: Threads,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Name of the pipeline. A run folder holds the results of one pipeline only.
    pub name: String,
    /// Whether results and checkpoints of earlier runs are ignored, including those of another pipeline.
    pub force: bool,
}

/// Everything a run provides to its stages.
pub struct Context<'a> {
    /// Device and threads of this run.
    pub machine: Machine,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Run folder, which receives the results.
    pub folder: RunFolder,
    force: bool,
    begun: SystemTime,
    /// Names that are hidden in all messages while this run is open.
    _hidden: Option<Hidden>,
    listener: Listener<'a>,
    timings: RefCell<Timings>,
}

impl<'a> Context<'a> {
    /// Takes the device and the threads, then opens (and locks) the run folder.
    ///
    /// # Errors
    /// The device is not available; the folder cannot be written, another process is using it, or it holds the results
    /// of another pipeline.
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

    /// Signal that asks long work to end: from the operating system, or from the caller that started the run.
    pub fn stop_signal(&self) -> &dyn StopSignal {
        &self.listener
    }

    /// Emits all warnings that a tool returned with its value.
    pub fn warn_all(&self, warnings: &[Warning]) {
        for warning in warnings {
            progress::warn(&warning.code, &warning.message);
        }
    }

    /// All warnings so far, without repetitions.
    pub fn warnings(&self) -> Warnings {
        self.listener.warnings()
    }

    /// Runs a stage and measures its time. A stage counts as cached until it calls [`Context::fresh`], as
    /// [`Context::cached`] does when it has to do the work.
    ///
    /// # Errors
    /// The error of the stage.
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

    /// Marks the running stage as not cached.
    pub fn fresh(&self) {
        self.timings.borrow_mut().fresh();
    }

    /// Name, seconds and cache status of each stage so far.
    pub fn stages(&self) -> Vec<StageReport> {
        self.timings.borrow().report()
    }

    /// Cache key of the work called `work`: a hash of that name, the config, the keys of the inputs, the seed, and
    /// [`Machine::key_facts`].
    ///
    /// # Errors
    /// A config that cannot be serialized as JSON (never the case for configs read from YAML).
    pub fn key(&self, work: &str, config: &impl Serialize, inputs: &[&Key]) -> Result<Key> {
        let facts = serde_json::json!({"work": work, "seed": self.seed, "machine": self.machine.key_facts()});
        Key::of(&(config, inputs, facts))
    }

    /// Result of `work`, recorded under `name`: taken from an earlier run if its key is `key` and its files are
    /// unchanged, otherwise computed now. The value is always read back from the record, so a resumed run sees exactly
    /// the same values.
    ///
    /// # Errors
    /// The error of the work; a record that cannot be written.
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
        let place = self.folder.path(name).display().to_string();
        cache::recall(&self.folder, name, key)
            .map(|kept| CachedOutput { fresh: true, ..kept })
            .ok_or_else(|| Error::resource(place, "the result changed while it was being recorded"))
    }

    /// The first of these inputs that was written or replaced since the run began and whose content differs now.
    #[must_use]
    pub fn changed<'f>(&self, inputs: &'f [InputFile]) -> Option<&'f InputFile> {
        inputs.iter().find(|file| file.is_replaced_since(self.begun))
    }

    /// Paths of the records of finished work, relative to the run folder.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn records(&self) -> Result<Vec<String>> {
        cache::records(&self.folder)
    }

    /// Checkpoint store of a method, in `folder`, for a fit that depends on `facts` (settings, data). Seed, kind of
    /// device and versions are added to the facts; the number of threads is not, because it changes only the last bits
    /// of a result.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn checkpoints(&self, folder: &str, mut facts: serde_json::Value) -> Result<Generations> {
        facts["seed"] = self.seed.into();
        facts["cuda"] = self.machine.device.is_cuda().into();
        let versions = Machine::versions().into_iter().map(|(name, version)| (name, serde_json::Value::from(version)));
        facts["versions"] = versions.collect();
        Generations::open(&self.folder, folder, facts, self.machine.threads, self.force)
    }
}
