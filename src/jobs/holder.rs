//! [`Holder`]: the process that holds a lock, and whether it is alive.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// A process on this or another machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Name of the machine, for messages.
    pub host: String,
    /// Identifiers of the machine's boot and of the PID namespace, within which `pid` is meaningful; empty if unknown.
    pub place: String,
    /// Process number (PID).
    pub pid: u32,
    /// Start time of the process in clock ticks since the boot, because the system reuses process numbers.
    pub began: u64,
    /// Whether the process has released the lock.
    #[serde(default)]
    pub released: bool,
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn own() -> Self {
        let pid = std::process::id();
        Self { host: host(), place: place(), pid, began: began(pid).unwrap_or(0), released: false }
    }

    /// Whether the process is alive; `None` if it cannot be known, because the process is not of this machine.
    #[must_use]
    pub fn lives(&self) -> Option<bool> {
        if self.place.is_empty() || self.place != place() {
            return None;
        }
        Some(began(self.pid) == Some(self.began))
    }
}

/// Name of this machine.
#[must_use]
pub(super) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "unknown".to_string() } else { name.trim().to_string() }
}

/// Identifiers of this machine's boot and PID namespace; empty if the system does not tell them. Only heartbeats then
/// show whether a process is alive.
fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    if boot.trim().is_empty() || space.as_os_str().is_empty() {
        return String::new();
    }
    format!("{} {}", boot.trim(), space.display())
}

/// Start time of a process in clock ticks since the boot; `None` if it has ended, even if its parent has not waited for
/// it yet.
fn began(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The program's name, in parentheses, may contain spaces and parentheses: only the last `)` ends it.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let dead = matches!(fields.first(), Some(&("Z" | "X")));
    fields.get(19)?.parse().ok().filter(|_| !dead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_the_dead_and_the_distant_are_told_apart() {
        let own = Holder::own();
        assert_eq!(own.lives(), Some(true));
        assert_eq!(Holder { began: own.began + 1, ..own.clone() }.lives(), Some(false), "the number is used again");
        assert_eq!(Holder { place: "elsewhere".into(), ..own.clone() }.lives(), None);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Holder { pid: child.id(), began: began(child.id()).unwrap(), ..own };
        assert_eq!(other.lives(), Some(true));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(other.lives(), Some(false));
    }
}
