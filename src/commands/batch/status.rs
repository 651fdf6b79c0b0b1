//! `recon batch status DIR`: how far a study is.

use super::super::Output;
use crate::batch::{Failure, Summary};
use crate::error::{Error, Result};
use crate::jobs::Ledger;
use crate::progress::{self, StopSignal};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Failures that are listed.
const LISTED: usize = 20;

/// What `recon batch status` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// Folder of the study
    pub study: PathBuf,
    /// Look again and again until nothing runs or waits
    #[arg(long)]
    pub watch: bool,
    /// Seconds between two looks of --watch
    #[arg(long, value_name = "S", default_value_t = 30.0)]
    pub every: f64,
}

/// Looks at the study.
///
/// # Errors
/// A folder without a study, a stop.
pub(super) fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let ledger = Ledger::open(&args.study)?;
    let period = Duration::try_from_secs_f64(args.every)
        .map_err(|_| Error::config("--every", format!("expected seconds, got {}", args.every)))?;
    let mut summary = Summary::of(&ledger)?;
    if args.watch {
        let task = progress::begin(&format!("study {}", summary.study), Some(summary.tasks as u64));
        while summary.done < summary.tasks && (!summary.at_rest() || summary.scheduler_unknown.is_some()) {
            progress::advance(summary.done as u64, &[]);
            wait(period, stop)?;
            summary = Summary::of(&ledger)?;
        }
        task.end();
    }
    let value = serde_json::to_value(&summary).map_err(|error| Error::resource("summary", error))?;
    Ok(Output { text: text(&summary), value, summary: String::new() })
}

fn wait(period: Duration, stop: &dyn StopSignal) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < period {
        stop.check_stop()?;
        std::thread::sleep(Duration::from_millis(50).min(period));
    }
    Ok(())
}

fn text(summary: &Summary) -> String {
    let mut text = summary.line();
    if let Some(why) = &summary.scheduler_unknown {
        let _ = write!(text, "\nwhat is queued is unknown: {why}");
    }
    for Failure { task, exit_code, reason } in summary.failures.iter().take(LISTED) {
        let _ = write!(text, "\nfailed ({exit_code}): {task}: {}", reason.lines().next().unwrap_or_default());
    }
    if summary.failures.len() > LISTED {
        let _ = write!(text, "\nand {} more failures", summary.failures.len() - LISTED);
    }
    text
}
