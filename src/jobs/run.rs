//! [`run`]: runs one task exactly once: it waits for the task's lock, works in a folder of its own, and publishes the
//! results by one rename.

use super::complete::complete;
use super::failure::failed;
use super::holder::host;
use super::layout;
use super::ledger::Ledger;
use super::lock::{Lock, Waiter, holder};
use super::record::{MethodRecord, TaskRecord};
use super::task::Task;
use super::work::{self, WorkFolder};
use crate::context::Threads;
use crate::data::{Report, Status};
use crate::error::{Error, Result, Stop};
use crate::formats::atomic;
use crate::pipeline::{Config, Pipeline};
use crate::progress::{self, StopSignal};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Exit code for a bug in the program (`EX_SOFTWARE` of sysexits.h).
const BUG: u8 = 70;
/// Exit code for a lack of resources of the machine, such as memory or disk space.
const RESOURCES: u8 = 5;

/// How a task ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// Its results are published, now or earlier, by this process or another one.
    Done,
    /// It failed.
    Failed(Box<TaskRecord>),
    /// It was asked to stop; the next attempt continues it.
    Stopped(Stop),
}

impl Ended {
    /// Whether the task failed for a reason that may lie in the machine (lack of resources, a crash), fewer than
    /// `attempts` times in a row, so that it should be tried again.
    #[must_use]
    pub fn worth_retrying(&self, attempts: u32) -> bool {
        matches!(self, Self::Failed(record)
            if matches!(record.exit_code, RESOURCES | BUG) && record.failures < attempts)
    }
}

/// Runs task number `index` unless it is done; waits while another process works on it. `threads` is the number of
/// threads for a pipeline with `threads: auto`.
///
/// # Errors
/// A study that cannot be read, or a lock or work folder that cannot be written. A task that fails is not an error but
/// [`Ended::Failed`].
pub fn run(ledger: &Ledger, index: usize, threads: Option<NonZeroUsize>, stop: &dyn StopSignal) -> Result<Ended> {
    let task = ledger.task(index)?;
    let id = task.label.id.as_str();
    let mut waiter = Waiter::new(&ledger.state(id), ledger.beat());
    let mut told = false;
    loop {
        if ledger.done(id) {
            return Ok(Ended::Done);
        }
        if let Some(why) = stop.stop() {
            return Ok(Ended::Stopped(why));
        }
        match waiter.attempt()? {
            Some(lock) => {
                // The last holder may have published the task after the check above and before this lock. If the task
                // is taken over during the attempt, the loop begins again, because the new holder may fail or stop.
                if ledger.done(id) {
                    lock.release();
                    return Ok(Ended::Done);
                }
                if let Some(ended) = attempt(ledger, &task, lock, threads, stop)? {
                    return Ok(ended);
                }
            }
            None if !told => {
                told = true;
                let who = holder(&ledger.state(id));
                let who = who.map_or("another process".into(), |who| format!("process {} on {}", who.pid, who.host));
                progress::warn("task_taken", &format!("{id}: {who} works on it: waiting for its end"));
            }
            None => {}
        }
        std::thread::sleep(Duration::from_millis(100).min(ledger.beat()));
    }
}

/// Works on a task whose lock this process holds; `None` if another process has taken the task over.
fn attempt(
    ledger: &Ledger,
    task: &Task,
    lock: Lock,
    threads: Option<NonZeroUsize>,
    stop: &dyn StopSignal,
) -> Result<Option<Ended>> {
    let begin = Instant::now();
    let id = task.label.id.as_str();
    let stop = Fenced { inner: stop, lost: lock.lost() };
    let folder = WorkFolder::claim(ledger, id, &lock)?;
    let worked = catch_unwind(AssertUnwindSafe(|| work(ledger, task, &folder, threads, &stop)));
    let ours = lock.holds() && folder.is_same();
    let mut record = TaskRecord {
        label: task.label.clone(),
        status: Status::Failed,
        exit_code: 0,
        reason: String::new(),
        failures: 0,
        attempt: lock.number(),
        host: host(),
        device: String::new(),
        threads: rayon::current_num_threads(),
        seconds: begin.elapsed().as_secs_f64(),
        methods: Vec::new(),
    };
    let error = match worked {
        _ if !ours => return Ok(None),
        Ok(Err(Error::Stopped(why))) => {
            lock.release();
            return Ok(Some(Ended::Stopped(why)));
        }
        Ok(Ok(report)) => {
            record.device.clone_from(&report.device);
            record.methods = MethodRecord::all(&report.methods);
            match finish(ledger, &folder, &lock, &report, &mut record) {
                Ok(true) => {
                    work::tidy(ledger, id);
                    lock.release();
                    return Ok(Some(Ended::Done));
                }
                Ok(false) => return Ok(None),
                Err(error) => error,
            }
        }
        Ok(Err(error)) => error,
        Err(_) => {
            record.exit_code = BUG;
            Error::resource("recon", "an internal error, see the log")
        }
    };
    record.exit_code = record.exit_code.max(error.exit_code());
    record.reason = error.to_string();
    record.failures = 1 + ledger.failure(id).map_or(0, |last| last.failures);
    note_failure(ledger, &record);
    lock.release();
    Ok(Some(Ended::Failed(Box::new(record))))
}

/// Publishes a complete run; `false` if another process has published the task or has taken it over.
fn finish(ledger: &Ledger, folder: &WorkFolder, lock: &Lock, report: &Report, record: &mut TaskRecord) -> Result<bool> {
    if let Some(error) = failed(&record.methods) {
        return Err(error);
    }
    if report.status != Status::Complete {
        return Err(Error::resource("the run", "it did not come to its end, for an unknown reason"));
    }
    record.status = Status::Complete;
    let path = folder.path.join(layout::RECORD);
    let text = serde_json::to_string_pretty(&*record).map_err(|error| Error::resource(layout::RECORD, error));
    let published = text
        .and_then(|text| atomic::write(&path, text.as_bytes()))
        .and_then(|()| folder.publish(ledger, &record.label.id, lock));
    record.status = Status::Failed;
    published
}

/// Writes the record of a failure. If that fails there is only a warning, because the caller reports the failure too.
fn note_failure(ledger: &Ledger, record: &TaskRecord) {
    let path = ledger.state(&record.label.id).join(layout::FAILURE);
    let text = serde_json::to_string_pretty(record).unwrap_or_default();
    if let Err(error) = atomic::write(&path, text.as_bytes()) {
        progress::warn("failure_unwritten", &error.to_string());
    }
}

/// Runs the task's pipeline in its work folder. The pipeline names as its run folder the one in which the results will
/// be published.
fn work(
    ledger: &Ledger,
    task: &Task,
    folder: &WorkFolder,
    threads: Option<NonZeroUsize>,
    stop: &dyn StopSignal,
) -> Result<Report> {
    let mut config = Config::from_value(&task.config)?;
    config.export.directory = Some(ledger.published(&task.label.id));
    if let (Threads::Auto(_), Some(count)) = (config.threads, threads) {
        config.threads = Threads::Count(count);
    }
    let (report, stopped) = complete(&Pipeline::new(config)?, &folder.path, stop)?;
    stopped.map_or(Ok(report), |why| Err(Error::Stopped(why)))
}

/// A stop signal that also asks to stop when another process has taken the task over.
struct Fenced<'a> {
    inner: &'a dyn StopSignal,
    lost: Arc<AtomicBool>,
}

impl StopSignal for Fenced<'_> {
    fn stop(&self) -> Option<Stop> {
        self.inner.stop().or_else(|| self.lost.load(Ordering::Relaxed).then_some(Stop::Terminate))
    }
}
