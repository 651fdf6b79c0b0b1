//! Batches of runs: a *study* is a list of cases, each reconstructed at every setting by every method of a pipeline.
//!
//! ```text
//! Study ──freeze──► tasks ──Scheduler──► `recon task` (jobs::run) ──► cases/TASK ──collect──► one table
//! ```
//!
//! A study is *frozen* when it is submitted: the complete pipeline of each task is saved, so that a task is the same on
//! whatever machine it runs.

mod board;
mod cases;
mod collect;
mod engine;
mod freeze;
mod memory;
mod status;
mod study;
mod submit;
mod vary;
mod working;

pub use cases::{CaseKind, CaseSource, StudyCase};
pub use collect::{Collection, Figures, Paired, Ranked, Row, TABLES};
pub use engine::{Engine, Submission};
pub use freeze::{frozen, tasks};
pub use status::Summary;
pub use study::{Combine, Retry, Study};
pub use submit::Planned;
pub use vary::{Vary, variations};
pub use working::Working;
