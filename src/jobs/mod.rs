//! Jobs: a *task* is one run of a study, frozen; many processes on many machines may work on the tasks of one folder,
//! and each is done exactly once.
//!
//! ```text
//! tasks.jsonl ──lock──► work/TASK.N ──Pipeline::run──► task.json ──rename──► cases/TASK
//! ```
//!
//! The folder is the only truth: [`Ledger`] reads it, [`run`] does one task, [`Lock`] says whose it is. Suites, which
//! run in one process, need some of it too: [`complete`], [`Deadline`], [`Spread`], [`expanded`].

mod change;
mod complete;
mod deadline;
mod holder;
pub mod layout;
mod ledger;
mod lock;
mod named;
mod record;
mod run;
mod spread;
mod task;
mod variables;
mod work;

pub use change::Change;
pub use complete::complete;
pub use deadline::Deadline;
pub use holder::Holder;
pub use ledger::{Header, Ledger, State};
pub use lock::{Lock, Waiter, holder};
pub use named::Named;
pub use record::{MethodRecord, TaskRecord};
pub use run::{Ended, run};
pub use spread::Spread;
pub use task::{Label, Task, setting};
pub use variables::expanded;
pub use work::newest as newest_work;
