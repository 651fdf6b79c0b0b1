//! [`Machine`]: device and threads of a run, versions of the software, and memory of the process.

use crate::error::{Error, Result};
use crate::memory;
use crate::operators::xray::kernels::simd;
use crate::progress;
use crate::tensors::{self, DeviceRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of CPU threads: `auto` (all cores that the operating system grants) or a number of at least 1. At most four
/// per core are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected auto or a number of threads, at least 1")]
pub enum Threads {
    /// All cores that the operating system grants.
    Auto(Auto),
    /// A given number of threads.
    Count(NonZeroUsize),
}

/// The word `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// `auto`
    #[default]
    Auto,
}

impl Default for Threads {
    fn default() -> Self {
        Self::Auto(Auto::Auto)
    }
}

/// Number of threads set by [`Machine::take`]; 0 if there was no call.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Device and threads of a run.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Device for tensors.
    pub device: tch::Device,
    /// The chosen device and the reason for the choice, as text.
    pub device_reason: String,
    /// Number of threads of both rayon and libtorch.
    pub threads: usize,
}

impl Machine {
    /// Chooses the device and sets, for the whole process, the number of threads of rayon and libtorch and the
    /// allocator's limits for keeping freed memory.
    ///
    /// # Errors
    /// The device or the SIMD level that was requested by name is not available.
    pub fn take(device: DeviceRequest, threads: Threads) -> Result<Self> {
        simd::requested()?;
        tensors::keep_freed();
        let chosen = tensors::choose(device)?;
        let threads = granted(threads);
        // The thread pool belongs to the process: a second run in it (in a test) must ask for the same number.
        if rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().is_err()
            && rayon::current_num_threads() != threads
        {
            let problem =
                format!("this process already runs with {} threads, wanted {threads}", rayon::current_num_threads());
            return Err(Error::resource("threads", problem));
        }
        tensors::settle_vector_functions();
        tch::set_num_threads(threads as i32);
        TAKEN.store(threads, Ordering::Relaxed);
        Ok(Self { device: chosen.device, device_reason: chosen.reason, threads })
    }

    /// Number of threads that this process has taken; `None` if it has taken none. Unlike
    /// [`rayon::current_num_threads`] this starts no threads, whose number could then no longer be chosen.
    #[must_use]
    pub fn threads_taken() -> Option<usize> {
        Some(TAKEN.load(Ordering::Relaxed)).filter(|&threads| threads > 0)
    }

    /// Name of the device, such as `cpu` or `cuda:0`.
    #[must_use]
    pub fn device_name(&self) -> String {
        match self.device {
            tch::Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".to_string(),
        }
    }

    /// Names and versions of recon and libtorch.
    #[must_use]
    pub fn versions() -> Vec<(String, String)> {
        let versions = [("recon", env!("CARGO_PKG_VERSION")), ("libtorch", tensors::libtorch_version())];
        versions.map(|(name, version)| (name.to_string(), version.to_string())).to_vec()
    }

    /// Facts of the machine on which results may depend: kind of device, number of threads, versions.
    #[must_use]
    pub fn key_facts(&self) -> serde_json::Value {
        serde_json::json!({"cuda": self.device.is_cuda(), "threads": self.threads, "versions": Self::versions()})
    }
}

/// Largest number of threads per processor core: more only wait for each other, and with thousands a run never ends.
const THREADS_PER_CORE: usize = 4;

/// Number of threads that are used for a request, with a warning if it is less than requested.
fn granted(threads: Threads) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let most = THREADS_PER_CORE * cores;
    match threads {
        Threads::Auto(_) => cores,
        Threads::Count(count) if count.get() > most => {
            let message = format!("{count} threads on {cores} cores would wait for each other: {most} are used");
            progress::warn("threads_capped", &message);
            most
        }
        Threads::Count(count) => count.get(),
    }
}

/// Highest resident memory of this process since [`reset_peak_memory`], bytes; `None` where the system does not report
/// it.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    memory::kibibytes("/proc/self/status", "VmHWM:")
}

/// Model name of the processor; `None` where the system does not report it.
#[must_use]
pub fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(": ").map(|(_, name)| name.to_string())
}

/// Resets the peak to the memory that is resident now, so that each method is measured alone.
pub fn reset_peak_memory() {
    // Where the system does not support this, the reported peak is that of the whole process, an upper bound.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_sees_memory_that_is_gone_and_can_be_reset() {
        let Some(before) = peak_memory() else { return };
        let size = 64 << 20;
        drop(std::hint::black_box(vec![1u8; size]));
        assert!(peak_memory().unwrap() >= before.min(size as u64));
        reset_peak_memory();
        assert!(peak_memory().unwrap() > 0);
    }
}
