//! Benchmarks: a *suite* is a list of cases, a case a pipeline and axes along which its settings vary; every setting is
//! run with every method, and all of it becomes one table.
//!
//! ```text
//! Suite ──expand──► settings ──Pipeline::run──► reports ──gather──► rows ──► Markdown, CSV, JSON
//! ```
//!
//! Every setting is a run folder of its own, so what is done is not done again. Methods whose parameters are chosen
//! with the truth (`oracle`) exist only here, and their rows say so.

mod builtin;
mod columns;
mod expand;
mod gather;
mod only;
mod run;
mod suite;
mod table;
mod variables;
mod write;

pub use builtin::{BUILT_IN, BuiltIn};
pub use expand::{Candidate, Combination, Contestant, Expansion};
pub use gather::{Reports, Row, State, rows};
pub use only::Only;
pub use run::{Bench, CellOutcome};
pub use suite::{ContestantKeys, Oracle, Quick, Suite, SuiteCase, SuiteSetup};
pub use table::{Head, Table};
pub use variables::Variables;
pub use write::section;
