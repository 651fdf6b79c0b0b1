//! [`Lock`]: the right to work on a task, which one process holds at a time.
//!
//! A process takes a task for the N-th time by creating the file `N.lock` with `O_EXCL`, which only one process can do.
//! The lock with the highest number counts. Its holder updates the modification time of the file every few seconds
//! (heartbeat). Another process takes the task over, with lock N + 1, if the lock was released, if its holder is dead
//! on this machine, or if the waiting process has seen no heartbeat for several periods of its own clock: clocks of
//! different machines are never compared. An old holder that still runs writes into the work folder of its own lock
//! number, which the new holder has renamed.

use super::holder::Holder;
use crate::error::{Error, Result};
use crate::formats::atomic;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Number of heartbeat periods without a heartbeat after which a lock may be taken over.
const MISSED: u32 = 6;

/// The lock of this process on a task. Dropping it ends the heartbeat, but does not release the lock.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    number: u64,
    beating: Option<JoinHandle<()>>,
    over: Arc<(Mutex<bool>, Condvar)>,
    lost: Arc<AtomicBool>,
}

impl Lock {
    /// Number of the lock. Results are published only if it is still the highest.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether no other process has taken the task over.
    #[must_use]
    pub fn holds(&self) -> bool {
        newest(&self.folder) == self.number
    }

    /// A flag that becomes true when a heartbeat finds that another process has taken the task over.
    #[must_use]
    pub fn lost(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lost)
    }

    /// Releases the lock, so that the next process need not wait. If the release cannot be written, the next process
    /// notices the missing heartbeats, or that this process is dead.
    pub fn release(mut self) {
        self.silence();
        let holder = Holder { released: true, ..Holder::own() };
        if let Ok(text) = serde_json::to_vec(&holder) {
            let _ = atomic::write(&path(&self.folder, self.number), &text);
        }
    }

    fn silence(&mut self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
        if let Some(beating) = self.beating.take() {
            let _ = beating.join();
        }
    }

    /// Creates `number.lock` and starts its heartbeat; `None` if another process was faster.
    fn create(folder: &Path, number: u64, beat: Duration) -> Result<Option<Self>> {
        let path = path(folder, number);
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(Error::write(&path, &error)),
        };
        let text = serde_json::to_vec(&Holder::own()).map_err(|error| Error::resource("lock", error))?;
        // On a full disk the file stays empty. It still locks the task, and its heartbeat shows that the holder is
        // alive.
        let _ = file.write_all(&text).and_then(|()| file.sync_all());
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let lost = Arc::new(AtomicBool::new(false));
        let next = self::path(folder, number + 1);
        let (over_too, lost_too) = (Arc::clone(&over), Arc::clone(&lost));
        let beating = std::thread::spawn(move || self::beat(&file, &next, beat, &over_too, &lost_too));
        Ok(Some(Self { folder: folder.to_path_buf(), number, beating: Some(beating), over, lost }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.silence();
    }
}

/// Updates the modification time of the lock file every `period` until `over` is set. Sets `lost` when the file `next`
/// exists, which means that another process has taken the task over.
fn beat(file: &File, next: &Path, period: Duration, over: &(Mutex<bool>, Condvar), lost: &AtomicBool) {
    let mut ended = over.0.lock().unwrap_or_else(PoisonError::into_inner);
    while !*ended {
        ended = over.1.wait_timeout(ended, period).unwrap_or_else(PoisonError::into_inner).0;
        let _ = file.set_modified(SystemTime::now());
        if next.exists() {
            lost.store(true, Ordering::Relaxed);
        }
    }
}

/// A process that waits for a task, and the lock that it saw last.
#[derive(Debug)]
pub struct Waiter {
    folder: PathBuf,
    beat: Duration,
    /// Number of the lock, modification time of its file, and the time since which both are unchanged.
    seen: Option<(u64, Option<SystemTime>, Instant)>,
}

impl Waiter {
    /// A waiter for the task whose locks are in `folder`; `beat` is the heartbeat period of their holders.
    #[must_use]
    pub fn new(folder: &Path, beat: Duration) -> Self {
        Self { folder: folder.to_path_buf(), beat, seen: None }
    }

    /// Takes the task if no process holds it. Returns `None` otherwise; the caller then asks again later.
    ///
    /// # Errors
    /// A folder or a lock file that cannot be written.
    pub fn attempt(&mut self) -> Result<Option<Lock>> {
        std::fs::create_dir_all(&self.folder).map_err(|error| Error::write(&self.folder, &error))?;
        let number = newest(&self.folder);
        if number > 0 && !self.free(number) {
            return Ok(None);
        }
        Lock::create(&self.folder, number + 1, self.beat)
    }

    /// Whether the task may be taken over from the holder of lock `number`.
    fn free(&mut self, number: u64) -> bool {
        if holder(&self.folder).is_some_and(|holder| holder.released || holder.lives() == Some(false)) {
            return true;
        }
        let time = path(&self.folder, number).metadata().and_then(|found| found.modified()).ok();
        match self.seen {
            Some((seen, at, since)) if (seen, at) == (number, time) => since.elapsed() > self.beat * MISSED,
            _ => {
                self.seen = Some((number, time, Instant::now()));
                false
            }
        }
    }
}

/// The process that took the task last; `None` if no process did or the lock file cannot be read.
#[must_use]
pub fn holder(folder: &Path) -> Option<Holder> {
    serde_json::from_slice(&std::fs::read(path(folder, newest(folder))).ok()?).ok()
}

/// Whether a process seems to work on the task now. For a holder on another machine this compares the last heartbeat
/// with the clock of this machine: good enough for a status table, but not for taking the task over.
#[must_use]
pub(super) fn seems_held(folder: &Path, beat: Duration) -> bool {
    let number = newest(folder);
    if number == 0 {
        return false;
    }
    match holder(folder).map(|holder| (holder.released, holder.lives())) {
        Some((true, _) | (_, Some(false))) => false,
        Some((_, Some(true))) => true,
        _ => {
            let time = path(folder, number).metadata().and_then(|found| found.modified());
            time.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < beat * MISSED))
        }
    }
}

/// The highest lock number in `folder`; 0 if there is no lock.
#[must_use]
pub(super) fn newest(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let number = |name: &str| name.strip_suffix(".lock")?.parse::<u64>().ok();
    entries.flatten().filter_map(|entry| number(entry.file_name().to_str()?)).max().unwrap_or(0)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: Duration = Duration::from_millis(20);

    fn waiter(folder: &Path) -> Waiter {
        Waiter::new(folder, BEAT)
    }

    #[test]
    fn one_holds_it_and_the_next_has_a_higher_number() {
        let folder = tempfile::tempdir().unwrap();
        let first = waiter(folder.path()).attempt().unwrap().unwrap();
        let mut second = waiter(folder.path());
        for _ in 0..20 {
            assert!(second.attempt().unwrap().is_none(), "the first one lives");
            std::thread::sleep(BEAT);
        }
        assert!(first.holds() && first.number() == 1 && seems_held(folder.path(), BEAT));
        first.release();
        assert!(!seems_held(folder.path(), BEAT));
        assert_eq!(second.attempt().unwrap().unwrap().number(), 2);
    }

    #[test]
    fn a_holder_without_a_pulse_is_taken_over_and_learns_it() {
        let folder = tempfile::tempdir().unwrap();
        let distant = Holder { place: "another machine".into(), ..Holder::own() };
        std::fs::write(folder.path().join("7.lock"), serde_json::to_vec(&distant).unwrap()).unwrap();
        let mut second = waiter(folder.path());
        assert!(second.attempt().unwrap().is_none(), "nobody can tell yet");
        std::thread::sleep(BEAT * (MISSED + 2));
        let lock = second.attempt().unwrap().unwrap();
        assert_eq!(lock.number(), 8);
        std::fs::write(folder.path().join("9.lock"), "").unwrap();
        let lost = lock.lost();
        let begin = Instant::now();
        while !lost.load(Ordering::Relaxed) {
            assert!(begin.elapsed() < Duration::from_mins(1));
            std::thread::sleep(BEAT);
        }
        assert!(!lock.holds());
    }

    #[test]
    fn the_lock_of_a_dead_process_of_this_machine_needs_no_waiting_and_of_many_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let dead = Holder { began: 1, pid: 999_999_999, ..Holder::own() };
        std::fs::write(folder.path().join("1.lock"), serde_json::to_vec(&dead).unwrap()).unwrap();
        let attempts: Vec<JoinHandle<Option<Lock>>> = (0..8)
            .map(|_| {
                let mut waiter = waiter(folder.path());
                std::thread::spawn(move || waiter.attempt().unwrap())
            })
            .collect();
        let taken: Vec<Lock> = attempts.into_iter().filter_map(|attempt| attempt.join().unwrap()).collect();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].number(), 2);
    }
}
