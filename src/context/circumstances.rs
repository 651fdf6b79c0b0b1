//! Date, machine and build of a run: beside the versions, the facts that are needed to reproduce it.

use super::{calendar, processor};
use crate::memory;
use std::num::NonZeroUsize;

/// Labels and values, in the order in which they are shown. The host name is included only if `named`; values that the
/// operating system does not report are left out. The commit is the value of the environment variable `RECON_COMMIT` at
/// build time.
#[must_use]
pub fn circumstances(named: bool) -> Vec<(String, String)> {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_string());
    let gibibytes = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
    let facts = [
        ("made", Some(calendar::now())),
        ("commit", option_env!("RECON_COMMIT").map(str::to_string)),
        ("host", named.then(host).flatten()),
        ("system", Some(format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))),
        ("processor", processor()),
        ("cores", std::thread::available_parallelism().ok().map(|cores: NonZeroUsize| cores.to_string())),
        ("memory", memory::kibibytes("/proc/meminfo", "MemTotal:").map(gibibytes)),
    ];
    facts.into_iter().filter_map(|(label, value)| Some((label.to_string(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_named_only_where_it_may_be() {
        let labels = |named| circumstances(named).into_iter().map(|(label, _)| label).collect::<Vec<_>>();
        assert!(!labels(false).contains(&"host".to_string()) && labels(true).contains(&"made".to_string()));
    }
}
