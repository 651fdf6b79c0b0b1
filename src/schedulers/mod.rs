//! Schedulers: who runs the elements of an array. recon sits on the one a site has: [`Slurm`] submits to it, [`Local`]
//! starts processes on this machine, [`Manifest`] writes what other systems take. What a scheduler says about an
//! element is a hint; whether a task is done is read from the study's folder.

mod command;
mod gpus;
mod local;
mod manifest;
mod resources;
mod script;
mod slurm;

pub use local::Local;
pub use manifest::Manifest;
pub use resources::Resources;
pub use slurm::{Element, Slurm};

use crate::error::Result;
use crate::progress::StopSignal;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An array of tasks. Element number N is `PROGRAM task --study FOLDER --index N`.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// What its jobs are called; no name of a patient, since queues are read by everybody.
    pub name: String,
    /// The study, absolute.
    pub folder: PathBuf,
    /// Program and first arguments.
    pub program: Vec<String>,
    /// Variables, with their values, that the program finds in its environment.
    pub environment: Vec<(String, String)>,
    /// The elements to run, in order.
    pub elements: Vec<usize>,
    /// What each asks for.
    pub resources: Resources,
}

/// What came of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Submitted {
    /// What was done, for people: numbers of jobs, or files that were written.
    pub said: String,
    /// Whether the elements have been run, to the end or as far as they came.
    pub ran: bool,
}

/// How far an element is in the scheduler's eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueState {
    /// It waits; why.
    Queued(String),
    /// It runs.
    Running,
    /// It ended, one way or another.
    Ended(String),
}

/// What the scheduler says about elements; it may know nothing of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queue {
    /// What it knows.
    Known(BTreeMap<usize, QueueState>),
    /// It gave no answer, and why: nothing follows from that.
    Unknown(String),
}

impl Queue {
    /// Whether an element waits or runs.
    #[must_use]
    pub fn holds(&self, element: usize) -> bool {
        match self {
            Self::Known(states) => {
                matches!(states.get(&element), Some(QueueState::Queued(_) | QueueState::Running))
            }
            Self::Unknown(_) => false,
        }
    }
}

/// Who runs elements.
pub trait Scheduler {
    /// Runs the elements, or hands them over.
    ///
    /// # Errors
    /// A scheduler that refuses, files that cannot be written, a stop.
    fn submit(&self, array: &Array, stop: &dyn StopSignal) -> Result<Submitted>;

    /// What [`Scheduler::submit`] would do, for people; what the scheduler says of it if it can be asked.
    ///
    /// # Errors
    /// A scheduler that says that it would refuse.
    fn preview(&self, array: &Array) -> Result<String>;

    /// What is known of the array's elements, by one question.
    fn status(&self, array: &Array) -> Queue;

    /// Ends what waits and what runs.
    ///
    /// # Errors
    /// A scheduler that refuses or gives no answer.
    fn cancel(&self, array: &Array) -> Result<()>;
}
