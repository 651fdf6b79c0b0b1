//! [`Working`]: the current step of a running task, read from the end of the run's log.

use crate::context::layout::LOG;
use crate::jobs::{Ledger, holder, newest_work};
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Number of bytes that are read from the end of a log, which are some hundred lines.
const TAIL: u64 = 1 << 16;

/// A task that a process works on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Working {
    /// Name of the task.
    pub task: String,
    /// Name of the machine; empty if unknown.
    pub host: String,
    /// The part of the run that is computed now, such as `siren: fit`; empty if the log does not tell.
    pub doing: String,
    /// Number of finished steps of this part; null if they are not counted.
    pub step: Option<u64>,
    /// Number of all steps of this part; null if unknown.
    pub steps: Option<u64>,
}

impl Working {
    /// Reads the holder of the task's lock and the log in its newest work folder.
    #[must_use]
    pub(super) fn of(ledger: &Ledger, id: &str) -> Self {
        let host = holder(&ledger.state(id)).map_or(String::new(), |holder| holder.host);
        let log = newest_work(ledger, id).and_then(|folder| tail(&folder.join(LOG)));
        Self { task: id.to_string(), host, ..last(&log.unwrap_or_default()) }
    }

    /// The current step as text, such as `siren: fit, step 30 of 80`.
    #[must_use]
    pub fn progress(&self) -> String {
        let doing = if self.doing.is_empty() { "begins" } else { &self.doing };
        match (self.step, self.steps) {
            (Some(step), Some(steps)) => format!("{doing}, step {step} of {steps}"),
            (Some(step), None) => format!("{doing}, step {step}"),
            (None, _) => doing.to_string(),
        }
    }
}

/// The last [`TAIL`] bytes of a file as text, whose first line may be incomplete; `None` if the file cannot be read.
fn tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The part of the run that began or ended last and its newest step, from the last lines of a log. Incomplete lines are
/// ignored. Only the last three fields of the result are filled in.
fn last(log: &str) -> Working {
    let mut found = Working::default();
    for line in log.lines().rev() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let text = |key: &str| message[key].as_str().unwrap_or_default();
        match text("event") {
            "step" if found.step.is_none() => {
                found.step = message["done"].as_u64();
                found.doing = text("task").to_string();
            }
            "begin" => {
                found.steps = message["steps"].as_u64();
                found.doing = text("task").to_string();
                return found;
            }
            "end" if found.step.is_none() => {
                found.doing = format!("after {}", text("task"));
                return found;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_say_what_is_done_and_how_far() {
        let begin = r#"{"time":1.0,"event":"begin","task":"siren: fit","steps":80}"#;
        let step = |n: u64| format!(r#"{{"time":2.0,"event":"step","task":"siren: fit","done":{n},"loss":0.5}}"#);
        let said = |lines: &[&str]| last(&lines.join("\n")).progress();
        assert_eq!(said(&[]), "begins");
        assert_eq!(said(&[begin]), "siren: fit");
        assert_eq!(said(&[begin, &step(4), &step(9), "{\"time\":3.0,\"ev"]), "siren: fit, step 9 of 80");
        assert_eq!(said(&["cut\":1}", &step(70)]), "siren: fit, step 70");
        assert_eq!(said(&[begin, &step(9), r#"{"event":"end","task":"siren: fit"}"#]), "after siren: fit");
    }

    #[test]
    fn only_the_end_of_a_long_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, "x".repeat(300_000) + "\nend").unwrap();
        let end = tail(&path).unwrap();
        assert!(end.len() == TAIL as usize && end.ends_with("\nend"));
        assert_eq!(tail(&folder.path().join("none")), None);
    }
}
