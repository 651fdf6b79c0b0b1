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
use crate::context::{Machine, Threads};
use crate::data::{Report, Status};
use crate::error::{Error, Result, Stop};
use crate::formats::atomic;
use crate::pipeline::{Config, Pipeline};
use crate::progress::{self, StopSignal};
use crate::tensors::out_of_memory;
use std::any::Any;
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
    Failed {
        /// Reason of the failure.
        record: Box<TaskRecord>,
        /// Whether the record was written into the study's folder, from which the next attempt counts the failures.
        noted: bool,
    },
    /// It was asked to stop; the next attempt continues it.
    Stopped(Stop),
}

impl Ended {
    /// Whether the task failed for a reason that may lie in the machine (lack of resources, a crash), fewer than
    /// `attempts` times in a row, so that it should be tried again. A failure that could not be noted is not counted by
    /// the next attempt, so a task that fails in this way (on a full disk) would be tried again without end.
    #[must_use]
    pub fn worth_retrying(&self, attempts: u32) -> bool {
        matches!(self, Self::Failed { record, noted: true }
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
    let Some(folder) = WorkFolder::claim(ledger, id, &lock)? else {
        lock.release();
        return Ok(None);
    };
    let worked = catch_unwind(AssertUnwindSafe(|| work(ledger, task, &folder, threads, &stop)));
    if !(lock.holds() && folder.is_same()) {
        return Ok(None);
    }
    let ended = outcome(ledger, &folder, &lock, begun(task, &lock, begin), worked);
    if ended.is_some() {
        lock.release();
    }
    Ok(ended)
}

/// How an attempt ended: publishes a complete run, and notes a failure. `None` if another process has published the
/// task or has taken it over.
fn outcome(
    ledger: &Ledger,
    folder: &WorkFolder,
    lock: &Lock,
    mut record: TaskRecord,
    worked: std::thread::Result<Result<Report>>,
) -> Option<Ended> {
    let error = match worked.unwrap_or_else(|payload| Err(crashed(payload.as_ref(), &mut record))) {
        Err(Error::Stopped(why)) => return Some(Ended::Stopped(why)),
        Err(error) => error,
        Ok(report) => match finish(ledger, folder, lock, &report, &mut record) {
            Ok(true) => {
                work::tidy(ledger, &record.label.id);
                return Some(Ended::Done);
            }
            Ok(false) => return None,
            Err(error) => error,
        },
    };
    Some(failed_with(ledger, record, &error))
}

/// The record of an attempt that began then, before its outcome is known.
fn begun(task: &Task, lock: &Lock, begin: Instant) -> TaskRecord {
    TaskRecord {
        label: task.label.clone(),
        status: Status::Failed,
        exit_code: 0,
        reason: String::new(),
        failures: 0,
        attempt: lock.number(),
        host: host(),
        device: String::new(),
        threads: Machine::threads_taken().unwrap_or(0),
        seconds: begin.elapsed().as_secs_f64(),
        methods: Vec::new(),
    }
}

/// The error for a panic. libtorch panics for lack of memory too, which is no bug.
fn crashed(payload: &(dyn Any + Send), record: &mut TaskRecord) -> Error {
    out_of_memory(payload).unwrap_or_else(|| {
        record.exit_code = BUG;
        Error::resource("recon", "an internal error, see the log")
    })
}

/// Notes the failure of an attempt.
fn failed_with(ledger: &Ledger, mut record: TaskRecord, error: &Error) -> Ended {
    record.exit_code = record.exit_code.max(error.exit_code());
    record.reason = error.to_string();
    record.failures = 1 + ledger.failure(&record.label.id).map_or(0, |last| last.failures);
    let noted = note_failure(ledger, &record);
    Ended::Failed { record: Box::new(record), noted }
}

/// Publishes a complete run; `false` if another process has published the task or has taken it over.
fn finish(ledger: &Ledger, folder: &WorkFolder, lock: &Lock, report: &Report, record: &mut TaskRecord) -> Result<bool> {
    record.device.clone_from(&report.device);
    record.methods = MethodRecord::all(&report.methods);
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

/// Writes the record of a failure; returns whether it could be written. If not there is only a warning, because the
/// caller reports the failure too.
fn note_failure(ledger: &Ledger, record: &TaskRecord) -> bool {
    let path = ledger.state(&record.label.id).join(layout::FAILURE);
    let text = serde_json::to_string_pretty(record).unwrap_or_default();
    let written = atomic::write(&path, text.as_bytes());
    if let Err(error) = &written {
        let message = format!("{error}\n  so it is not counted, and the task is not put back into a queue");
        progress::warn("failure_unwritten", &message);
    }
    written.is_ok()
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

#[cfg(test)]
mod tests {
    use super::super::ledger::Header;
    use super::super::task::Label;
    use super::*;

    fn study(folder: &std::path::Path) -> (Ledger, Task) {
        let label = Label { index: 0, id: "case".into(), case: "case".into(), axes: Vec::new() };
        let task = Task { label, config: serde_json::json!({}) };
        let header = Header::example(1);
        (Ledger::freeze(folder, &header, "", std::slice::from_ref(&task)).unwrap(), task)
    }

    fn locked(ledger: &Ledger, task: &Task) -> Lock {
        Waiter::new(&ledger.state(&task.label.id), ledger.beat()).attempt().unwrap().unwrap()
    }

    #[test]
    fn a_failure_that_cannot_be_noted_is_not_worth_retrying() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, task) = study(folder.path());
        let lock = locked(&ledger, &task);
        let full = Error::resource("disk", "no space left");
        let ended = || failed_with(&ledger, begun(&task, &lock, Instant::now()), &full);
        assert!(ended().worth_retrying(3) && ended().worth_retrying(3) && !ended().worth_retrying(3));
        // A folder in the place of the record cannot be replaced by a file.
        let record = ledger.state("case").join(layout::FAILURE);
        std::fs::remove_file(&record).unwrap();
        std::fs::create_dir_all(record.join("taken")).unwrap();
        assert!(!ended().worth_retrying(3));
    }

    #[test]
    fn a_panic_for_lack_of_memory_is_no_bug() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, task) = study(folder.path());
        let lock = locked(&ledger, &task);
        let ended = |message: &str| {
            let mut record = begun(&task, &lock, Instant::now());
            let payload: Box<dyn Any + Send> = Box::new(message.to_string());
            let error = crashed(payload.as_ref(), &mut record);
            match failed_with(&ledger, record, &error) {
                Ended::Failed { record, .. } => (record.exit_code, record.reason),
                other => panic!("{other:?}"),
            }
        };
        let message =
            "called `Result::unwrap()` on an `Err` value: Torch(\"not enough memory: you tried to allocate 9\")";
        let (code, reason) = ended(message);
        assert!(code == RESOURCES && reason.contains("not enough memory"), "{reason}");
        let (code, reason) = ended("index out of bounds");
        assert!(code == BUG && reason.contains("an internal error"), "{reason}");
    }
}
