//! Where the cases of a study come from: each source gives a safe name and the changes that make the base pipeline
//! this case's.

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

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyCase {
    /// Unique name, safe as a part of a folder's.
    pub id: String,
    /// What it is, for messages: a file, a line of a table.
    pub origin: String,
    /// What makes the pipeline this case's.
    pub changes: Vec<Assignment>,
    /// Folder that paths in the changes are relative to.
    pub folder: PathBuf,
}

/// A source of cases.
pub trait CaseSource {
    /// Its cases, in order; paths are relative to `folder`.
    ///
    /// # Errors
    /// Files that cannot be read, patterns that match nothing.
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
/// What the sources say; two cases of one name.
pub(super) fn all(sources: &[OneOf<CaseKind>], folder: &Path) -> Result<Vec<StudyCase>> {
    let mut cases: Vec<StudyCase> = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        cases.extend(source.kind.as_part().cases(folder).map_err(|error| error.under(&format!("cases[{i}]")))?);
    }
    // Some file systems do not tell `A` from `a`.
    let mut taken: HashMap<String, &StudyCase> = HashMap::new();
    for case in &cases {
        if let Some(other) = taken.insert(case.id.to_lowercase(), case) {
            let problem = format!("`{}` is the name of {} and of {}", case.id, other.origin, case.origin);
            return Err(Error::config("cases", problem).hint("give an `id` that tells them apart"));
        }
    }
    Ok(cases)
}

/// A name as a folder: what is not a letter, digit, `_` or `-` becomes `-`; one that was changed or is long ends in a
/// hash of the original, so that different names stay different.
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
}
