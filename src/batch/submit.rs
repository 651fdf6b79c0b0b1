//! [`Planned`]: the tasks of a study that are not done, which it submits to a scheduler.

use super::engine::{Engine, Submission};
use super::memory;
use crate::error::{Error, Result};
use crate::jobs::{Holder, Ledger, State, layout};
use crate::progress::{self, StopSignal};
use crate::schedulers::{Array, Queue, QueueState, Scheduler, Submitted};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::time::Duration;

/// A submission that is prepared, with the lock that keeps other processes from submitting the study meanwhile.
#[derive(Debug)]
pub struct Planned {
    submission: Submission,
    array: Array,
    /// Number of all tasks.
    pub tasks: usize,
    /// Number of tasks that are not done.
    pub missing: usize,
    _lock: File,
}

impl Planned {
    /// Prepares the submission of all elements that have a task that is not done. Except for the local engine, memory
    /// that the study does not set is estimated.
    ///
    /// # Errors
    /// A study that another process is submitting or that cannot be read; an estimate of the memory that fails.
    pub fn new(ledger: &Ledger, mut submission: Submission, stop: &dyn StopSignal) -> Result<Self> {
        let lock = lock(ledger)?;
        let labels = ledger.labels()?;
        let states = ledger.states(&labels);
        let mut elements: Vec<usize> = Vec::new();
        let mut missing = 0;
        for label in labels.iter().filter(|label| states[label.index] != State::Done) {
            missing += 1;
            let element = label.index / ledger.header.chunk;
            if elements.last() != Some(&element) {
                elements.push(element);
            }
        }
        let asks = submission.engine != Engine::Local && submission.resources.memory.is_none() && missing > 0;
        if asks {
            submission.resources.memory = Some(memory::estimate(ledger, stop)?);
        }
        let array = submission.array(ledger, elements)?;
        Ok(Self { submission, array, tasks: labels.len(), missing, _lock: lock })
    }

    /// Number of elements of the job array to submit.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.array.elements.len()
    }

    /// Describes what [`Planned::submit`] would do.
    ///
    /// # Errors
    /// A scheduler that says that it would refuse the submission.
    pub fn preview(&self, ledger: &Ledger) -> Result<String> {
        self.submission.scheduler(ledger).preview(&self.array)
    }

    /// Submits the elements, without those that already wait or run in SLURM's queue.
    ///
    /// # Errors
    /// A scheduler that refuses; a queue that must be asked and does not answer; a file that cannot be written; a stop.
    pub fn submit(&mut self, ledger: &Ledger, stop: &dyn StopSignal) -> Result<Submitted> {
        let scheduler = self.submission.scheduler(ledger);
        let before = Submission::read(&ledger.root);
        if before.is_some_and(|before| before.engine == Engine::Slurm && self.submission.engine == Engine::Slurm) {
            let held = held(scheduler.as_ref(), &self.array, stop)?;
            self.array.elements.retain(|element| !held.contains(element));
        }
        let mark = ledger.root.join(layout::CANCELLED);
        if mark.exists() {
            std::fs::remove_file(&mark).map_err(|error| Error::write(&mark, &error))?;
        }
        self.submission.write(&ledger.root)?;
        if self.array.elements.is_empty() {
            let said = if self.missing == 0 { "every task is done" } else { "every missing task is queued" };
            return Ok(Submitted { said: said.to_string(), ran: self.missing == 0 });
        }
        scheduler.submit(&self.array, stop)
    }
}

/// The elements that wait or run in the queue. The queue is asked up to three times, with pauses of 1 s and 4 s. An
/// answer without any job counts only the third time, because tasks that are submitted twice would wait for each other.
///
/// # Errors
/// A queue that does not answer; a stop.
fn held(scheduler: &dyn Scheduler, array: &Array, stop: &dyn StopSignal) -> Result<Vec<usize>> {
    let mut last = Queue::Empty;
    for wait in [0, 1, 4] {
        stop.check_stop()?;
        std::thread::sleep(Duration::from_secs(wait));
        last = scheduler.status(array);
        if let Queue::Known(states) = last {
            let holds = |state: &QueueState| !matches!(state, QueueState::Ended(_));
            return Ok(states.into_iter().filter(|(_, state)| holds(state)).map(|(element, _)| element).collect());
        }
    }
    let Some(why) = last.unknown().filter(|_| last != Queue::Empty) else { return Ok(Vec::new()) };
    Err(Error::resource(
        "SLURM",
        format!("{why}; so nobody knows whether tasks are still queued, and none was submitted"),
    )
    .hint("run the same command again when squeue answers"))
}

/// File that the process that submits a study locks, and into which it writes its [`Holder`].
const LOCK: &str = "submit.lock";

/// Whether a process of this machine is submitting the study. The content of the file is read instead of trying its
/// lock, because a try would hold the lock for a moment.
pub(super) fn in_progress(ledger: &Ledger) -> bool {
    let text = std::fs::read(ledger.root.join(LOCK)).unwrap_or_default();
    serde_json::from_slice::<Holder>(&text).is_ok_and(|holder| !holder.released && holder.lives() == Some(true))
}

/// Locks the study for submission, which only one process at a time can do. The lock lasts as long as the file is open.
fn lock(ledger: &Ledger) -> Result<File> {
    let path = ledger.root.join(LOCK);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let mut file = opened.map_err(|error| Error::write(&path, &error))?;
    match file.try_lock() {
        Ok(()) => {
            let text = serde_json::to_vec(&Holder::own()).unwrap_or_default();
            // Only `recon batch status` reads this, so a full disk is no reason to stop.
            let _ = file.set_len(0).and_then(|()| file.write_all(&text));
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            Err(Error::resource(ledger.root.display().to_string(), "another process is submitting this study")
                .hint("`recon batch status` tells how far it is"))
        }
        Err(TryLockError::Error(error)) => {
            // Some network file systems have no such locks. The tasks have locks of their own, so it is safe to go on.
            progress::warn("no_lock", &format!("{}: {error}", path.display()));
            Ok(file)
        }
    }
}
