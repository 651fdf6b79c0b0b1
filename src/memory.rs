//! Memory that is still available to this process, and the limit on the part that the voxels of one file may take.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fraction of the available memory that the voxels of one file may take.
const SHARE: f64 = 0.8;
/// Copies of a volume that exist at once while it is read: one in the stored axis order, one in canonical order.
const COPIES: u64 = 2;

/// Limits on the memory of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Memory that the voxels of one input file may take while it is read, GB (1e9 bytes). `null`: four fifths of the
    /// available memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_gb: Option<f64>,
}

/// The limit set by [`Limits::set`], bytes; 0 if none was set.
static VOLUME: AtomicU64 = AtomicU64::new(0);

impl Limits {
    /// Applies the limits to the whole process.
    ///
    /// # Errors
    /// [`Error::Config`] for a limit that is not a positive number.
    pub fn set(&self) -> Result<()> {
        let gigabytes = self.volume_gb.unwrap_or(0.0);
        if !gigabytes.is_finite() || gigabytes < 0.0 || self.volume_gb == Some(0.0) {
            return Err(Error::config("limits.volume_gb", format!("expected a positive number, got {gigabytes}")));
        }
        VOLUME.store((gigabytes * 1e9) as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// Refuses a file whose voxels would not fit into memory, before any is allocated for them: even a small file can
/// declare any number of voxels, and a small compressed file can contain them. A voxel counts as two float32 copies, 8
/// bytes.
///
/// # Errors
/// [`Error::Input`] that states the memory needed and the limit, both in GB.
pub fn admit(path: &Path, voxels: u64) -> Result<()> {
    let needed = voxels.saturating_mul(4 * COPIES);
    let set = VOLUME.load(Ordering::Relaxed);
    let free = available().map(|free| (free as f64 * SHARE) as u64);
    let limit = if set > 0 { Some(set) } else { free };
    match limit {
        Some(limit) if needed > limit => {
            let gigabytes = |bytes: u64| bytes as f64 / 1e9;
            let problem = format!(
                "its {voxels} voxels need {:.2} GB of memory, the limit is {:.2} GB",
                gigabytes(needed),
                gigabytes(limit)
            );
            Err(Error::input(path, problem)
                .hint("if the file is what it should be, free memory or set `limits: {volume_gb: ...}`"))
        }
        _ => Ok(()),
    }
}

/// Memory that this process can allocate without swapping, bytes: the minimum of what the system, the control group (a
/// container, a job of a cluster) and the limit of the address space (`ulimit -v`) leave. `None` if none of them is
/// known.
#[must_use]
pub fn available() -> Option<u64> {
    let system = kibibytes("/proc/meminfo", "MemAvailable:");
    [system, control_group(), address_space()].into_iter().flatten().min()
}

/// Memory left in the control group, bytes; version 2 is tried before version 1. Inactive file cache counts as free,
/// since the kernel reclaims it on demand.
fn control_group() -> Option<u64> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let places = [
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file "),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
            "/sys/fs/cgroup/memory/memory.stat",
            "total_inactive_file ",
        ),
    ];
    places.into_iter().find_map(|(limit, used, stat, cache)| {
        let (limit, used) = (number(limit)?, number(used)?);
        let text = std::fs::read_to_string(stat).unwrap_or_default();
        let cached = text.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse::<u64>().ok()).unwrap_or(0);
        // Version 1 says "no limit" with a huge number.
        (limit < 1 << 60).then(|| limit.saturating_sub(used.saturating_sub(cached)))
    })
}

/// Address space left below the limit, bytes; `None` without a limit.
fn address_space() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max address space"))?;
    let limit: u64 = line["Max address space".len()..].split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(kibibytes("/proc/self/status", "VmSize:")?))
}

/// Reads a value that a file of `/proc` gives in kB (1024 bytes), and returns it in bytes.
#[must_use]
pub fn kibibytes(file: &str, label: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(label))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_that_fits_is_admitted_and_one_that_cannot_is_refused_with_both_numbers() {
        admit(Path::new("a.nii"), 8).unwrap();
        let error = admit(Path::new("a.nii"), 1 << 50).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("need 9007199.25 GB"), "{error}");
        assert!(available().is_none_or(|free| free > 0));
        assert_eq!(Limits { volume_gb: Some(-1.0) }.set().unwrap_err().exit_code(), 2);
    }
}
