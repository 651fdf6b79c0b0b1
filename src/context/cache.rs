//! Cache records of finished work: `.cache/NAME.json` in the run folder holds the key, the value, and the output files
//! with their hashes. A record is valid only while its key and all its files match.

use super::files::{hash_file, remove};
use super::folder::RunFolder;
use super::key::Key;
use super::layout;
use crate::data::Warnings;
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Result of work that was just done.
pub struct StageOutput<V> {
    /// The value, small enough for JSON.
    pub value: V,
    /// The files it wrote, relative to the run folder.
    pub files: Vec<String>,
    /// Seconds that interrupted runs had already spent on it.
    pub seconds_before: f64,
}

/// Result of finished work, as read from its cache record.
pub struct CachedOutput<V> {
    /// The value.
    pub value: V,
    /// Computing time over all its runs, seconds.
    pub seconds: f64,
    /// Warnings of the work.
    pub warnings: Warnings,
    /// Whether the work was done in this run.
    pub fresh: bool,
}

#[derive(Serialize, Deserialize)]
struct CacheRecord<V> {
    key: Key,
    value: V,
    files: BTreeMap<String, String>,
    seconds: f64,
    warnings: Warnings,
}

fn name_of(name: &str) -> String {
    format!(".cache/{name}.json")
}

/// Reads the record called `name`; `None`, so that the work is done again, unless the record, its key and its files are
/// intact.
pub(super) fn recall<V: DeserializeOwned>(folder: &RunFolder, name: &str, key: &Key) -> Option<CachedOutput<V>> {
    let text = std::fs::read(folder.path(&name_of(name))).ok()?;
    let record: CacheRecord<V> = serde_json::from_slice(&text).ok()?;
    let unharmed =
        |(file, hash): (&String, &String)| hash_file(&folder.path(file)).is_ok_and(|(found, _)| found == *hash);
    if record.key != *key || !record.files.iter().all(unharmed) {
        return None;
    }
    Some(CachedOutput { value: record.value, seconds: record.seconds, warnings: record.warnings, fresh: false })
}

/// Paths of all records, relative to the run folder, sorted by name.
pub(super) fn records(folder: &RunFolder) -> Result<Vec<String>> {
    let path = folder.path(".cache");
    let entries = std::fs::read_dir(&path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let names = entries.map_err(|error| Error::read(&path, &error))?.into_iter().map(|entry| entry.file_name());
    let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|ending| ending == "json"));
    names.sort();
    Ok(names.into_iter().map(|name| format!(".cache/{name}")).collect())
}

/// Replaces hidden names (see [`Hidden`](crate::progress::Hidden)) in the log and in the records, because earlier runs
/// may have written them.
pub(super) fn cover(folder: &RunFolder) -> Result<()> {
    for file in records(folder)?.iter().map(String::as_str).chain([layout::LOG]) {
        let path = folder.path(file);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let covered = progress::covered(&text);
        if covered != text {
            atomic::write(&path, covered.as_bytes())?;
        }
    }
    Ok(())
}

/// Removes the record. Must be called before its files are written again.
pub(super) fn forget(folder: &RunFolder, name: &str) -> Result<()> {
    remove(&folder.path(&name_of(name)))
}

/// Writes the record, with the hashes of the files that were made.
pub(super) fn store<V: Serialize>(
    folder: &RunFolder,
    name: &str,
    key: &Key,
    made: &StageOutput<V>,
    seconds: f64,
    warnings: Warnings,
) -> Result<()> {
    let hash = |file: &String| hash_file(&folder.path(file)).map(|(hash, _)| (file.clone(), hash));
    let files = made.files.iter().map(hash).collect::<Result<_>>()?;
    let record = CacheRecord { key: key.clone(), value: &made.value, files, seconds, warnings };
    let path = folder.path(&name_of(name));
    let text =
        serde_json::to_vec_pretty(&record).map_err(|error| Error::resource(path.display().to_string(), error))?;
    atomic::write(&path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_only_while_key_and_files_match() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(temporary.path()).unwrap();
        std::fs::write(folder.path("a.bin"), b"abc").unwrap();
        let (key, other) = (Key::of(&1).unwrap(), Key::of(&2).unwrap());
        let made = StageOutput { value: 7u32, files: vec!["a.bin".to_string()], seconds_before: 0.0 };
        store(&folder, "work", &key, &made, 1.5, Vec::new()).unwrap();
        let found = recall::<u32>(&folder, "work", &key).unwrap();
        assert_eq!((found.value, found.seconds, found.fresh), (7, 1.5, false));
        assert!(recall::<u32>(&folder, "work", &other).is_none());
        std::fs::write(folder.path("a.bin"), b"abd").unwrap();
        assert!(recall::<u32>(&folder, "work", &key).is_none());
        forget(&folder, "work").unwrap();
        forget(&folder, "work").unwrap();
        assert!(recall::<u32>(&folder, "work", &key).is_none());
    }
}
