//! Benchmarks: a *suite* is a list of cases. A case is a pipeline with axes along which its settings vary, such as the
//! number of views. Every setting is run with every method, and all results become one table.
//!
//! ```text
//! Suite ──expand──► settings ──Pipeline::run──► reports ──gather──► rows ──► Markdown, CSV, JSON
//! ```
//!
//! Every run of a setting with a seed has a run folder of its own, so that finished runs are not repeated. Methods
//! whose parameters are chosen with the help of the ground truth (`oracle`) exist only here and are marked in the
//! table.

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
