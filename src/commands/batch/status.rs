//! `recon batch status DIR`: shows the progress of a study.

use super::super::Output;
use crate::batch::{Engine, Submission, Summary};
use crate::error::{Error, Result};
use crate::jobs::Ledger;
use crate::progress::{self, StopSignal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Default time between two updates of `--watch`.
const LOOK: Duration = Duration::from_secs(2);
/// The same with SLURM: longer, so as not to burden a scheduler that is shared with others.
const QUESTION: Duration = Duration::from_secs(30);

/// Arguments of `recon batch status`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// Folder of the study
    pub study: PathBuf,
    /// Repeat until no task runs or waits: on a terminal redraw the table in place, otherwise print a line for each
    /// change
    #[arg(long)]
    pub watch: bool,
    /// Seconds between two updates of --watch; default: 2, or 30 with SLURM
    #[arg(long, value_name = "S")]
    pub every: Option<f64>,
}

/// Summarises the study.
///
/// # Errors
/// A folder without a study, a stop.
pub(super) fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let ledger = Ledger::open(&args.study)?;
    let period = args.period(&ledger)?;
    let mut summary = Summary::of(&ledger)?;
    if args.watch {
        progress::board(&summary.board(), &summary.changes(&Summary::default()));
        while summary.counts.done < summary.counts.tasks && !(summary.at_rest() && summary.scheduler_unknown.is_none())
        {
            wait(period, stop)?;
            let now = Summary::of(&ledger)?;
            progress::board(&now.board(), &now.changes(&summary));
            summary = now;
        }
    }
    let value = serde_json::to_value(&summary).map_err(|error| Error::resource("summary", error))?;
    Ok(Output { text: summary.board(), value, summary: String::new() })
}

impl Args {
    fn period(&self, ledger: &Ledger) -> Result<Duration> {
        let Some(seconds) = self.every else {
            let asks = Submission::read(&ledger.root).is_some_and(|last| last.engine == Engine::Slurm);
            return Ok(if asks { QUESTION } else { LOOK });
        };
        let expected = |_| Error::config("--every", format!("expected seconds, got {seconds}"));
        Duration::try_from_secs_f64(seconds).map_err(expected)
    }
}

fn wait(period: Duration, stop: &dyn StopSignal) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < period {
        stop.check_stop()?;
        std::thread::sleep(Duration::from_millis(50).min(period));
    }
    Ok(())
}
