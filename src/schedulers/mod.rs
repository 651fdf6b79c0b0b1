//! Schedulers run the elements of a job array. recon has none of its own: [`Slurm`] submits to the site's SLURM,
//! [`Local`] starts processes on this machine, and [`Manifest`] writes files for other systems. The state of an element
//! in a scheduler is only a hint: whether a task is done is read from the study's folder.

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
pub use script::quoted;
pub use slurm::{Element, Slurm};

use crate::error::Result;
use crate::progress::StopSignal;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A job array. Element number N runs the command `PROGRAM task --study FOLDER --index N`.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Beginning of the names of the jobs. It must not identify a patient, because everybody can read the queue.
    pub name: String,
    /// Absolute path of the study's folder.
    pub folder: PathBuf,
    /// The program with its first arguments; never empty.
    pub program: Vec<String>,
    /// Names and values of environment variables for the program.
    pub environment: Vec<(String, String)>,
    /// Numbers of the elements to run, in ascending order.
    pub elements: Vec<usize>,
    /// Path of the file that cancels the array: while it exists, no element is started.
    pub cancelled: PathBuf,
    /// Resources that each element asks for.
    pub resources: Resources,
}

/// Result of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Submitted {
    /// Message for the user: the numbers of the jobs, or the files that were written.
    pub said: String,
    /// Whether the elements have already been run, completely or until they failed.
    pub ran: bool,
}

/// State of an element according to the scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueState {
    /// It waits, for this reason.
    Queued(String),
    /// It runs.
    Running,
    /// It ended or is held, in this state.
    Ended(String),
}

/// Answer of a scheduler about the elements of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queue {
    /// The states of the elements by number; elements that the scheduler does not know are absent.
    Known(BTreeMap<usize, QueueState>),
    /// The scheduler knows of no job: it may have failed, or have forgotten jobs that ended. The states of the elements
    /// are unknown, but several such answers in a row mean that nothing waits or runs.
    Empty,
    /// The scheduler gave no usable answer, for this reason; the states of the elements are then unknown.
    Unknown(String),
}

impl Queue {
    /// Whether an element is known to wait or run.
    #[must_use]
    pub fn holds(&self, element: usize) -> bool {
        match self {
            Self::Known(states) => {
                matches!(states.get(&element), Some(QueueState::Queued(_) | QueueState::Running))
            }
            Self::Empty | Self::Unknown(_) => false,
        }
    }

    /// Reason why the states of the elements are unknown; `None` if they are known.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Empty => Some("squeue knows of no job"),
            Self::Unknown(why) => Some(why),
        }
    }
}

/// Runs the elements of job arrays.
pub trait Scheduler {
    /// Runs the elements, or hands them over to the system that will run them.
    ///
    /// # Errors
    /// A scheduler that refuses, files that cannot be written, processes that cannot be started, a stop.
    fn submit(&self, array: &Array, stop: &dyn StopSignal) -> Result<Submitted>;

    /// Describes what [`Scheduler::submit`] would do, with the scheduler's own judgement if it can be asked.
    ///
    /// # Errors
    /// A scheduler that says that it would refuse.
    fn preview(&self, array: &Array) -> Result<String>;

    /// Asks the scheduler once for the states of the array's elements.
    fn status(&self, array: &Array) -> Queue;

    /// Cancels the waiting and the running elements.
    ///
    /// # Errors
    /// A scheduler that refuses or gives no answer.
    fn cancel(&self, array: &Array) -> Result<()>;
}
