//! Statistics of the damaged inputs: their number, the slowest, the largest, and the failures.

use super::seeds::Seed;
use recon::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

/// Largest processor time that one input may take, s.
const MOST_SECONDS: f64 = 5.0;
/// Largest memory that one input may take beyond the baseline, bytes.
const MOST_BYTES: u64 = 500_000_000;

static PANIC: Mutex<String> = Mutex::new(String::new());

/// Stores the message of the next panic instead of printing it.
pub(crate) fn hush_panics() {
    std::panic::set_hook(Box::new(|info| {
        *PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = info.to_string();
    }));
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Memory before the first input, bytes.
    baseline: u64,
    inputs: usize,
    /// Number of inputs that at least one reader accepted.
    read: usize,
    pub(crate) seconds: f64,
    /// Largest processor time (s) and memory (bytes) of an input.
    slowest: f64,
    largest: u64,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    /// Returns an empty tally; fails where the kernel does not count processor time or memory.
    pub(crate) fn begin() -> Self {
        let _ = (seconds(), status("VmHWM:"));
        Self { baseline: status("VmRSS:"), ..Self::default() }
    }

    /// Reads a file before the damage. If no reader accepts it, the damage to it shows nothing, which is a failure.
    pub(crate) fn undamaged(&mut self, seed: &Seed, path: &Path) {
        let results = (seed.read)(path);
        if !results.iter().any(Result::is_ok) {
            self.failures.push(format!("{}: no reader accepts the undamaged file: {results:?}", seed.name));
        }
    }

    /// Reads one input and records the outcome; returns whether the input failed.
    pub(crate) fn measure(&mut self, seed: &Seed, path: &Path, what: &dyn Fn() -> String) -> bool {
        let before = seconds();
        let outcome = catch_unwind(AssertUnwindSafe(|| (seed.read)(path)));
        let spent = seconds() - before;
        let grown = status("VmHWM:").saturating_sub(self.baseline);
        self.inputs += 1;
        self.seconds += spent;
        self.slowest = self.slowest.max(spent);
        let problem = match outcome {
            Err(_) => Some(PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()),
            Ok(results) => {
                self.read += usize::from(results.iter().any(Result::is_ok));
                results.into_iter().find_map(|result| result.err().and_then(|error| fault(seed, &error)))
            }
        };
        if grown > MOST_BYTES / 8 {
            // The kernel keeps the peak memory of the process until it is reset, which is done after large peaks only.
            let _ = std::fs::write("/proc/self/clear_refs", "5");
        }
        self.largest = self.largest.max(grown);
        let slow = (spent > MOST_SECONDS).then(|| format!("{spent:.1} s of processor time"));
        let large = (grown > MOST_BYTES).then(|| format!("{} MB of memory", grown / 1_000_000));
        let problem = problem.or(slow).or(large);
        if let Some(problem) = &problem {
            self.failures.push(format!("{}, {}: {problem}", seed.name, what()));
        }
        problem.is_some()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.inputs += other.inputs;
        self.read += other.read;
        self.seconds += other.seconds;
        self.slowest = self.slowest.max(other.slowest);
        self.largest = self.largest.max(other.largest);
        self.failures.extend(other.failures.iter().cloned());
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, read, seconds, slowest, largest, failures, .. } = self;
        let failed = failures.len();
        write!(
            f,
            "{inputs:7} inputs, {read:6} read, {failed} failed, {seconds:6.1} s, slowest {slowest:.2} s, most {} MB",
            largest / 1_000_000
        )
    }
}

/// Returns the exit code and the message of an error that a damaged file must not cause, or `None`.
fn fault(seed: &Seed, error: &Error) -> Option<String> {
    let code = error.exit_code();
    (!seed.codes.contains(&code)).then(|| format!("exit code {code}: {error}"))
}

/// Returns the processor time of this thread, s. It is 0 until the kernel has counted for the first time.
fn seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the time needs schedstat in /proc");
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    nanoseconds.expect("schedstat begins with the processor time") * 1e-9
}

/// Returns a number of bytes from the status of this process.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("the memory needs /proc/self/status");
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let kilobytes = kilobytes.unwrap_or_else(|| panic!("/proc/self/status has no number {key}"));
    assert!(kilobytes > 0, "/proc/self/status says that {key} is 0");
    kilobytes * 1024
}
