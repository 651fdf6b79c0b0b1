//! [`Machine`]: device, threads, versions and memory, as a run uses them.

use crate::error::{Error, Result};
use crate::operators::xray::kernels::simd;
use crate::tensors::{self, DeviceRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

/// Number of threads: `auto` (all that the system grants) or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected auto or a number of threads, at least 1")]
pub enum Threads {
    /// All that the system grants.
    Auto(Auto),
    /// So many.
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

/// The machine as a run uses it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Device for tensors.
    pub device: tch::Device,
    /// What was taken and why, in words.
    pub device_reason: String,
    /// Threads of rayon and libtorch alike.
    pub threads: usize,
}

impl Machine {
    /// Takes the device and sets the number of threads of rayon and libtorch and how memory is kept, for the whole
    /// process.
    ///
    /// # Errors
    /// A device or a SIMD level asked for by name that cannot be had.
    pub fn take(device: DeviceRequest, threads: Threads) -> Result<Self> {
        simd::requested()?;
        tensors::keep_freed();
        let chosen = tensors::choose(device)?;
        let threads = match threads {
            Threads::Auto(_) => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            Threads::Count(count) => count.get(),
        };
        // The pool is the process's: a second run in it (a test) must want the same number.
        if rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().is_err()
            && rayon::current_num_threads() != threads
        {
            let problem =
                format!("this process already runs with {} threads, wanted {threads}", rayon::current_num_threads());
            return Err(Error::resource("threads", problem));
        }
        tch::set_num_threads(threads as i32);
        Ok(Self { device: chosen.device, device_reason: chosen.reason, threads })
    }

    /// Name of the device, such as `cpu` or `cuda:0`.
    #[must_use]
    pub fn device_name(&self) -> String {
        match self.device {
            tch::Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".to_string(),
        }
    }

    /// Versions of recon and libtorch, with their names.
    #[must_use]
    pub fn versions() -> Vec<(String, String)> {
        let versions = [("recon", env!("CARGO_PKG_VERSION")), ("libtorch", tensors::libtorch_version())];
        versions.map(|(name, version)| (name.to_string(), version.to_string())).to_vec()
    }

    /// What results may depend on: kind of device, threads, versions.
    #[must_use]
    pub fn key_facts(&self) -> serde_json::Value {
        serde_json::json!({"cuda": self.device.is_cuda(), "threads": self.threads, "versions": Self::versions()})
    }
}

/// Highest resident memory of this process since [`reset_peak_memory`], bytes; `None` where the system does not tell.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    kibibytes("/proc/self/status", "VmHWM:")
}

/// Memory that can be had without swapping, bytes; `None` where the system does not tell.
#[must_use]
pub fn available_memory() -> Option<u64> {
    kibibytes("/proc/meminfo", "MemAvailable:")
}

/// The processor's model name; `None` where the system does not tell.
#[must_use]
pub fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(": ").map(|(_, name)| name.to_string())
}

/// Sets the peak back to what is resident now, so that each method is measured alone.
pub fn reset_peak_memory() {
    // Where the system does not know this, the peak is the process's: an upper bound.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn kibibytes(file: &str, label: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(label))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
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
        assert!(peak_memory().unwrap() > 0 && available_memory().unwrap() > 0);
    }
}
