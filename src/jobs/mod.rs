//! Jobs: runs of pipelines that belong together. A *task* is one run of a study, saved with its complete pipeline. Many
//! processes on many machines may work on the tasks of one folder, and each task is done exactly once.
//!
//! ```text
//! tasks.jsonl ──lock──► work/TASK.N ──Pipeline::run──► task.json ──rename──► cases/TASK
//! ```
//!
//! The folder holds the whole state: [`Ledger`] reads it, [`run`] runs one task, and a [`Lock`] gives a task to one
//! process at a time. A [`Series`] runs jobs one after the other in one process: the cells of a benchmark suite
//! ([`tried`]) or the tasks of one element of a job array. Suites and studies share the code that summarises many jobs:
//! [`Counts`], [`board`], [`Failure`], [`Spread`], [`tables`].

pub mod board;
mod change;
mod complete;
mod counts;
mod deadline;
mod failure;
mod holder;
pub mod layout;
mod ledger;
mod lock;
mod named;
mod record;
mod run;
mod series;
mod spread;
mod standing;
pub mod tables;
mod task;
mod tried;
mod variables;
mod work;

pub use change::Change;
pub use counts::{Counts, Group, seconds_left};
pub use deadline::Deadline;
pub use failure::{Failure, failed};
pub use holder::Holder;
pub use ledger::{HEARTBEATS_S, Header, Ledger, State};
pub use lock::{Lock, Waiter, holder};
pub use named::Named;
pub use record::{MethodRecord, TaskRecord};
pub use run::{Ended, run};
pub use series::{Item, Series};
pub use spread::Spread;
pub use standing::{Standing, Went, Words};
pub use task::{Label, Task, setting};
pub use tried::{Tried, tried};
pub use variables::expanded;
pub use work::newest as newest_work;
