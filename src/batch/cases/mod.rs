//! Sources of the cases of a study. For each case, a source gives a safe name and the changes that turn the base
//! pipeline into the pipeline of the case.

mod files;
mod glob;
mod seeds;
mod table;

use crate::context::hash_bytes;
use crate::error::{Error, Result};
use crate::kinds;
use crate::pipeline::Assignment;
use crate::registry::OneOf;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One case of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyCase {
    /// Unique name, which is safe as a part of a folder's name.
    pub id: String,
    /// Origin of the case for messages, such as a file or a line of a table.
    pub origin: String,
    /// Changes that turn the base pipeline into the pipeline of the case.
    pub changes: Vec<Assignment>,
    /// Folder to which paths in the changes are relative.
    pub folder: PathBuf,
}

/// A source of cases.
pub trait CaseSource {
    /// The cases of the source, in order; paths in the source are relative to `folder`.
    ///
    /// # Errors
    /// A file that cannot be read or is invalid, a pattern that matches nothing.
    fn cases(&self, folder: &Path) -> Result<Vec<StudyCase>>;
}

kinds! {
    /// Where cases come from.
    pub enum CaseKind: "source of cases" => dyn CaseSource {
        /// Files or folders that a pattern matches.
        files => Files(files::Config),
        /// A table with a line per case.
        csv => Csv(table::Config),
        /// Numbers that count up, such as the members of a family of phantoms.
        seeds => Seeds(seeds::Config),
    }
}

/// The cases of all sources, in order.
///
/// # Errors
/// The errors of the sources; a source without a case; two cases of the same name.
pub(super) fn all(sources: &[OneOf<CaseKind>], folder: &Path) -> Result<Vec<StudyCase>> {
    let mut cases: Vec<StudyCase> = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        let place = format!("cases[{i}]");
        let found = source.kind.as_part().cases(folder).map_err(|error| error.under(&place))?;
        if found.is_empty() {
            return Err(Error::config(place, "expected at least one case, got none"));
        }
        cases.extend(found);
    }
    // Names that differ only in upper and lower case count as equal, because some file systems do not distinguish them.
    let mut taken: HashMap<String, &StudyCase> = HashMap::new();
    for case in &cases {
        if let Some(other) = taken.insert(case.id.to_lowercase(), case) {
            let problem = format!("`{}` is the name of {} and of {}", case.id, other.origin, case.origin);
            return Err(Error::config("cases", problem).hint("give an `id` that tells them apart"));
        }
    }
    Ok(cases)
}

/// Makes a name safe as a folder's name, with at most 40 characters: every character except ASCII letters, digits, `_`
/// and `-` becomes `-`. A name that was changed or shortened ends in a hash of the original, so that different names
/// stay different.
fn safe(name: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = name.chars().map(|c| if fine(c) { c } else { '-' }).collect();
    let plain = plain.trim_matches('-');
    if plain == name && (1..=40).contains(&name.len()) {
        return name.to_string();
    }
    let start: String = plain.chars().take(31).collect();
    let hash = &hash_bytes(name.as_bytes())[..8];
    if start.is_empty() { format!("case-{hash}") } else { format!("{start}-{hash}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_different_names_stay_different() {
        assert_eq!(safe("LIDC-0001"), "LIDC-0001");
        let hostile =
            ["", "..", "../../etc/passwd", "a b", "a/b", "a\nb", "%j", "Müller^Anna", &"x".repeat(300), "-rf"];
        let mut seen: Vec<String> = hostile.map(safe).to_vec();
        for name in &seen {
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)), "{name}");
            assert!((1..=40).contains(&name.len()) && !name.starts_with('-'), "{name}");
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), hostile.len());
    }

    #[test]
    fn two_cases_of_one_name_are_refused_with_both() {
        let sources: Vec<OneOf<CaseKind>> =
            serde_yaml::from_str("[seeds: {count: 2}, seeds: {from: 1, count: 1}]").unwrap();
        let error = all(&sources, Path::new("")).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("`seed-1` is the name of"), "{error}");
    }

    #[test]
    fn a_source_without_a_case_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.csv"), "case,seed\n").unwrap();
        let sources: Vec<OneOf<CaseKind>> =
            serde_yaml::from_str("[seeds: {count: 1, key: seed}, csv: {file: p.csv}]").unwrap();
        let error = all(&sources, folder.path()).unwrap_err();
        assert!(error.to_string().contains("cases[1]: expected at least one case"), "{error}");
    }
}
