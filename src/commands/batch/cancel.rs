//! `recon batch cancel DIR`: cancels the waiting and the running tasks of a study.

use super::super::Output;
use crate::batch::{Submission, Summary};
use crate::error::Result;
use crate::formats::atomic;
use crate::jobs::{Ledger, layout};
use std::path::PathBuf;

/// Arguments of `recon batch cancel`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Args {
    /// Folder of the study
    pub study: PathBuf,
}

/// Writes a file that tells running tasks to stop, then cancels the jobs at the scheduler.
///
/// # Errors
/// A folder without a study, a scheduler that refuses.
pub(super) fn run(args: &Args) -> Result<Output> {
    let ledger = Ledger::open(&args.study)?;
    atomic::write(&ledger.root.join(layout::CANCELLED), b"")?;
    if let Some(submission) = Submission::read(&ledger.root) {
        submission.scheduler(&ledger).cancel(&submission.array(&ledger, Vec::new())?)?;
    }
    let line = Summary::of(&ledger)?.line();
    let value = serde_json::json!({"cancelled": true});
    Ok(Output { text: line, value, summary: "to continue, submit with --resume".to_string() })
}
