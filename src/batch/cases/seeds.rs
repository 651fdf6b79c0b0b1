//! `seeds`: cases that differ in one number, which counts up.

use super::super::study::MOST;
use super::{CaseSource, StudyCase};
use crate::error::{Error, Result};
use crate::pipeline::Assignment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Numbers `from`, `from` + 1, ...
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The first.
    #[serde(default)]
    pub from: u64,
    /// How many.
    pub count: u64,
    /// What the number is: a member of a family of phantoms, or `seed` for all randomness.
    #[serde(default = "member")]
    pub key: String,
}

fn member() -> String {
    "load.phantom.seed".to_string()
}

impl CaseSource for Config {
    fn cases(&self, folder: &Path) -> Result<Vec<StudyCase>> {
        let case = |seed: u64| {
            let change: Assignment = format!("{}={seed}", self.key).parse()?;
            let id = format!("seed-{seed}");
            Ok(StudyCase { origin: format!("seed {seed}"), id, changes: vec![change], folder: folder.to_path_buf() })
        };
        let most = MOST as u64;
        if !(1..=most).contains(&self.count) {
            let problem = format!("expected 1 to {most}, got {}", self.count);
            return Err(Error::config("count", problem).under("seeds"));
        }
        let Some(end) = self.from.checked_add(self.count) else {
            let problem =
                format!("expected at most {} for {} numbers, got {}", u64::MAX - self.count, self.count, self.from);
            return Err(Error::config("from", problem).under("seeds"));
        };
        (self.from..end).map(case).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_no_number_or_too_many_are_refused() {
        let cases = |from, count| Config { from, count, key: "seed".into() }.cases(Path::new(""));
        let ids: Vec<String> = cases(7, 2).unwrap().into_iter().map(|case| case.id).collect();
        assert_eq!(ids, ["seed-7", "seed-8"]);
        for (from, count, said) in [
            (0, 0, "seeds.count: expected 1 to 1000000, got 0"),
            (0, u64::MAX, "seeds.count: expected 1 to 1000000, got 18446744073709551615"),
            (u64::MAX - 1, 3, "seeds.from: expected at most"),
        ] {
            let error = cases(from, count).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(said), "{error}");
        }
    }
}
