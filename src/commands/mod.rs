//! The subcommands, one file each: their arguments (`Args`) and their code (`run(args) -> Result<Output>`).

pub mod batch;
pub mod bench;
pub mod check;
pub mod compare;
pub mod completions;
pub mod doctor;
pub mod info;
pub mod init;
pub mod phantom;
pub mod render;
pub mod report;
pub mod run;
pub mod schema;
pub mod task;
pub mod trace;
pub mod train_prior;
pub mod verify;

mod bench_device;
mod described;
mod kept;
mod overrides;
mod volumes;

pub use crate::tensors::{out_of_memory, spin_briefly};
pub use overrides::Overrides;

use crate::error::Error;
use crate::progress::{self, Hidden};
use serde_json::Value;

/// The result of a command.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// The result for stdout: paths or a table.
    pub text: String,
    /// The result for stdout with `--json`.
    pub value: Value,
    /// A short remark for stderr, such as the next command to run; may be empty.
    pub summary: String,
}

/// Replaces hidden names in an error by placeholders, and adds a hint that says which configuration key each stands
/// for.
fn covered(error: Error, hidden: Option<&Hidden>) -> Error {
    let Some(hidden) = hidden else { return error };
    let error = error.reworded(progress::covered);
    let words = hidden.explained(&error.to_string());
    error.and_hint(&words)
}

/// Aligned lines `label  value`.
fn rows<L: AsRef<str>, V: AsRef<str>>(rows: &[(L, V)]) -> String {
    let width = rows.iter().map(|(label, _)| label.as_ref().chars().count()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|(label, value)| format!("{:width$}  {}", label.as_ref(), value.as_ref())).collect();
    lines.join("\n")
}

/// A number of bytes with a decimal unit, such as `1.5 GB`.
fn bytes(count: u64) -> String {
    let (mut value, mut unit) = (count as f64, "B");
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_500_000_000), "1.5 GB");
        assert_eq!(rows(&[("a", "1"), ("long", "2")]), "a     1\nlong  2");
    }
}
