//! `recon batch collect DIR`: collects the results of a study in one table.

use super::super::Output;
use crate::batch::{Collection, TABLES};
use crate::error::{Error, Result};
use crate::jobs::Ledger;
use std::path::PathBuf;

/// Arguments of `recon batch collect`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Args {
    /// Folder of the study
    pub study: PathBuf,
}

/// Writes the tables.
///
/// # Errors
/// A folder without a study, or that cannot be written; exit code 4 if a task failed or is missing.
pub(super) fn run(args: &Args) -> Result<Output> {
    collected(&Ledger::open(&args.study)?)
}

/// Writes the tables of a study. Returns them, or an error if tasks failed or are missing.
pub(super) fn collected(ledger: &Ledger) -> Result<Output> {
    let collection = Collection::of(ledger)?;
    collection.write(&ledger.root)?;
    let page = ledger.root.join(TABLES[0]);
    if !collection.complete() {
        let first = collection.failures.first();
        let first = first.map_or(String::new(), |failure| format!("; {}: {}", failure.task, failure.reason));
        let (missing, failed) = (collection.missing.len(), collection.failures.len());
        let problem = format!(
            "{} of {} tasks are done, {failed} failed, {missing} have no result{first}\n  table: {}",
            collection.done,
            collection.tasks,
            page.display()
        );
        return Err(Error::Quality { problem });
    }
    let value = serde_json::to_value(&collection).map_err(|error| Error::resource("table.json", error))?;
    Ok(Output {
        text: collection.markdown().trim_end().to_string(),
        value,
        summary: format!("table: {}", page.display()),
    })
}
