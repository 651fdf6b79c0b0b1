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
    seconds: f64,
    /// Largest processor time (s) and memory (bytes) of an input.
    slowest: f64,
    largest: u64,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn begin() -> Self {
        Self { baseline: status("VmRSS:"), ..Self::default() }
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

/// Returns the processor time of this thread, s.
fn seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) * 1e-9
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
