//! `recon task --study DIR --index N`: runs one element of a study's job array, in the same way under every scheduler.

use super::Output;
use crate::context::Signals;
use crate::error::{Error, Result, Stop};
use crate::jobs::{Ended, Failure, Item, Ledger, Series, Standing, Went, Words, run as run_task};
use crate::progress::{self, StopSignal};
use crate::schedulers::Element;
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Environment variables in which schedulers give the number of the array element.
const INDICES: [&str; 3] = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"];
/// Time before the scheduler's time limit at which a task saves its state and stops, if no signal has come earlier.
const MARGIN: Duration = Duration::from_secs(45);
/// Time between two checks for the file that `recon batch cancel` leaves.
const LOOK: Duration = Duration::from_secs(2);

/// Arguments of `recon task`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Args {
    /// Folder of the study
    #[arg(long, value_name = "DIR")]
    pub study: PathBuf,
    /// Index of the array element, from 0; default: SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or
    /// AWS_BATCH_JOB_ARRAY_INDEX
    #[arg(long, value_name = "N")]
    pub index: Option<usize>,
    /// Number of threads for pipelines with `threads: auto`; default: SLURM_CPUS_PER_TASK, or all that the system
    /// provides
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// Runs the tasks of the array element one after the other; a task that fails does not stop the next one.
///
/// # Errors
/// A failed task, with its own exit code (5 for a crash) if the element has only this task and with exit code 4
/// otherwise; a stop. SLURM puts the element back into its queue if the time limit was the reason for the stop, or if a
/// task failed and should be tried again.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let ledger = Ledger::open(&args.study)?;
    let element = args.index.map_or_else(from_environment, Ok)?;
    let tasks =
        element.saturating_mul(ledger.header.chunk)..element.saturating_add(1).saturating_mul(ledger.header.chunk);
    let tasks = tasks.start..tasks.end.min(ledger.header.tasks);
    if tasks.is_empty() {
        let most = ledger.header.tasks.div_ceil(ledger.header.chunk);
        return Err(Error::config("--index", format!("expected an element below {most}, got {element}")));
    }
    let slurm = Element::own(&ledger.header.array());
    let limits = TaskLimits::new(stop, &ledger, slurm.clone())?;
    let standing = all(&ledger, tasks.clone(), args.threads.or_else(allocated), slurm.is_some(), &limits)?;
    if let Some(why) = standing.stopped {
        return Err(stopped(why, &limits, slurm.as_ref()));
    }
    if let Some(error) = failure(&standing.failures, tasks.len()) {
        return Err(error);
    }
    let place = ledger.published(&ledger.task(tasks.start)?.label.id);
    let value = serde_json::json!({"first": place, "tasks": tasks.len()});
    Ok(Output { text: place.display().to_string(), value, summary: String::new() })
}

/// Runs the tasks with these numbers, one after the other. `requeues` is whether a scheduler can put the element back
/// into its queue: a task that failed and should be tried again then ends the element as if its time were over.
fn all(
    ledger: &Ledger,
    tasks: Range<usize>,
    threads: Option<NonZeroUsize>,
    requeues: bool,
    stop: &dyn StopSignal,
) -> Result<Standing> {
    let item = |index| ledger.task(index).map(|task| Item { group: task.label.setting(), name: task.label.id });
    let items = tasks.clone().map(item).collect::<Result<Vec<Item>>>()?;
    let words = Words { name: ledger.header.name.clone(), noun: "tasks", heading: "setting" };
    let series = Series { words, items };
    series.run(stop, |number| {
        let begin = Instant::now();
        let ended = run_task(ledger, tasks.start + number, threads, stop)?;
        let again = requeues && ended.worth_retrying(ledger.header.attempts);
        let seconds = begin.elapsed().as_secs_f64();
        Ok(match ended {
            Ended::Stopped(why) => Went::Stopped(why),
            Ended::Failed { .. } if again => Went::Stopped(Stop::TimeLimit),
            Ended::Failed { record, .. } => Went::Failed { failure: Failure::from(record.as_ref()), seconds },
            // The run time is that of the process that completed the task, which may be an earlier one.
            Ended::Done => {
                let record = ledger.record(&series.items[number].name);
                Went::Done { seconds: record.map_or(seconds, |record| record.seconds) }
            }
        })
    })
}

/// Number of CPU cores that SLURM has allocated to this task; `None` outside SLURM.
fn allocated() -> Option<NonZeroUsize> {
    std::env::var("SLURM_CPUS_PER_TASK").ok()?.parse().ok()
}

fn from_environment() -> Result<usize> {
    let found = INDICES.iter().find_map(|name| std::env::var(name).ok());
    let number = found.as_deref().and_then(|text| text.parse().ok());
    number.ok_or_else(|| {
        Error::config("--index", format!("expected the number of an element, as a flag or in {}", INDICES.join(", ")))
    })
}

/// The error that ends the element. An element that reached its time limit is put back into the queue, unless the study
/// was cancelled.
fn stopped(why: Stop, limits: &TaskLimits, slurm: Option<&Element>) -> Error {
    let ending = why == Stop::Terminate && limits.close_to_the_end();
    let why = if ending { Stop::TimeLimit } else { why };
    if let (Stop::TimeLimit, Some(element), false) = (why, slurm, limits.ledger.cancelled())
        && let Err(problem) = element.requeue()
    {
        progress::warn("not_requeued", &format!("{problem}; continue with `recon batch submit --resume`"));
    }
    Error::Stopped(why)
}

/// The error for the failures of some of `count` tasks; `None` without a failure.
fn failure(failed: &[Failure], count: usize) -> Option<Error> {
    let first = failed.first()?;
    let problem = format!("{}: {}", first.task, first.reason);
    Some(match (count, first.exit_code) {
        (1, 2) => Error::config("", problem),
        (1, 3) => Error::input(&first.task, &first.reason),
        (1, _) => Error::resource(first.task.clone(), &first.reason),
        _ => Error::Quality { problem: format!("{} of {count} tasks failed; {problem}", failed.len()) },
    })
}

/// Everything that may stop a task: signals, the scheduler's time limit, the file that `recon batch cancel` leaves.
struct TaskLimits<'a> {
    inner: &'a dyn StopSignal,
    ledger: &'a Ledger,
    signals: Signals,
    end: Arc<OnceLock<Instant>>,
    /// Time of the last look for the file; `None` before the first one.
    looked: Cell<Option<Instant>>,
}

impl<'a> TaskLimits<'a> {
    /// Asks SLURM once for the remaining time, in a thread of its own so that the work need not wait for the answer.
    fn new(inner: &'a dyn StopSignal, ledger: &'a Ledger, slurm: Option<Element>) -> Result<Self> {
        let end = Arc::new(OnceLock::new());
        if let Some(element) = slurm {
            let end = Arc::clone(&end);
            std::thread::spawn(move || {
                let asked = Instant::now();
                if let Some(at) = element.time_left().and_then(|left| asked.checked_add(left)) {
                    let _ = end.set(at);
                }
            });
        }
        Ok(Self { inner, ledger, signals: Signals::install()?, end, looked: Cell::new(None) })
    }

    /// Whether the scheduler's time limit, if it is known, is closer than [`MARGIN`].
    fn close_to_the_end(&self) -> bool {
        self.end.get().is_some_and(|end| Instant::now() + MARGIN >= *end)
    }

    /// Whether `recon batch cancel` has left its file; looks at the first call, before any work, and then at most once
    /// every [`LOOK`], because the file system may be slow.
    fn cancelled(&self) -> bool {
        if self.looked.get().is_some_and(|looked| looked.elapsed() < LOOK) {
            return false;
        }
        self.looked.set(Some(Instant::now()));
        self.ledger.cancelled()
    }
}

impl StopSignal for TaskLimits<'_> {
    fn stop(&self) -> Option<Stop> {
        self.signals
            .heard()
            .or_else(|| self.inner.stop())
            .or_else(|| self.cancelled().then_some(Stop::Terminate))
            .or_else(|| self.close_to_the_end().then_some(Stop::TimeLimit))
    }
}
