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
/// Shortest time between two updates: without a pause the folder and the scheduler would be asked all the time.
const SHORTEST: Duration = Duration::from_millis(10);
/// Number of empty answers of the scheduler in a row that mean that it has no job left: SLURM forgets jobs some minutes
/// after they have ended. `recon batch submit` asks as often.
const EMPTY: usize = 3;

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
        let mut empty = usize::from(summary.queue_empty);
        while !over(&summary, empty) {
            wait(period, stop)?;
            let now = Summary::of(&ledger)?;
            progress::board(&now.board(), &now.changes(&summary));
            empty = if now.queue_empty { empty + 1 } else { 0 };
            summary = now;
        }
    }
    let value = serde_json::to_value(&summary).map_err(|error| Error::resource("summary", error))?;
    Ok(Output { text: summary.board(), value, summary: String::new() })
}

/// Whether there is nothing left to watch, after so many empty answers of the scheduler in a row.
fn over(summary: &Summary, empty: usize) -> bool {
    let known = summary.scheduler_unknown.is_none() || empty >= EMPTY;
    summary.counts.done == summary.counts.tasks || (summary.at_rest() && known)
}

impl Args {
    fn period(&self, ledger: &Ledger) -> Result<Duration> {
        let Some(seconds) = self.every else {
            let asks = Submission::read(&ledger.root).is_some_and(|last| last.engine == Engine::Slurm);
            return Ok(if asks { QUESTION } else { LOOK });
        };
        let period = Duration::try_from_secs_f64(seconds).ok().filter(|period| *period >= SHORTEST);
        let expected = || format!("expected {} seconds or more, got {seconds}", SHORTEST.as_secs_f64());
        period.ok_or_else(|| Error::config("--every", expected()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Counts;

    #[test]
    fn a_watch_ends_when_the_queue_is_empty_again_and_again() {
        let counts = Counts { tasks: 2, done: 1, failed: 1, ..Counts::default() };
        let told =
            |why: Option<&str>| Summary { counts, scheduler_unknown: why.map(String::from), ..Summary::default() };
        assert!(over(&told(None), 0));
        let unknown = told(Some("squeue knows of no job"));
        assert!(!over(&unknown, 0), "unknown is not the end");
        assert!(!over(&unknown, EMPTY - 1) && over(&unknown, EMPTY));
        let running = Counts { running: 1, failed: 0, ..counts };
        assert!(!over(&Summary { counts: running, ..unknown }, EMPTY), "a task runs");
    }

    #[test]
    fn an_update_without_a_pause_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let header = crate::jobs::Header::example(1);
        let ledger = Ledger { root: folder.path().to_path_buf(), header };
        let period = |every| Args { study: PathBuf::new(), watch: true, every }.period(&ledger);
        for every in [0.0, -1.0, f64::NAN, 1e300] {
            let error = period(Some(every)).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains("--every: expected 0.01 seconds"), "{error}");
        }
        assert_eq!((period(Some(0.02)).unwrap(), period(None).unwrap()), (Duration::from_millis(20), LOOK));
    }
}
