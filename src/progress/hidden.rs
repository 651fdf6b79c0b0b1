//! [`Hidden`]: names that a run keeps out of its messages. Paths of input files and other texts from the user may
//! identify the patient; with `identity: drop` they are replaced by placeholders in every message of the process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Shortest file name, in characters, that is replaced on its own; shorter names are replaced only as part of a path.
const SHORTEST: usize = 3;

/// All names to replace, with their placeholders, of all open runs in this process; the longest names first.
static COVERED: RwLock<Vec<Covered>> = RwLock::new(Vec::new());

struct Covered {
    run: u64,
    name: String,
    instead: String,
    /// Whether the rest of a path that begins with this name is removed too.
    folder: bool,
}

/// Hides names in messages until it is dropped.
#[derive(Debug)]
pub struct Hidden {
    run: u64,
    /// The placeholder of each input, and the configuration key that names the input.
    inputs: Vec<(String, String)>,
}

impl Hidden {
    /// Hides the paths of inputs, given with their configuration keys, behind the placeholders `input-1`, `input-2` and
    /// so on, and other texts behind `(hidden)`.
    #[must_use]
    pub fn new(paths: &[(String, PathBuf)], texts: &[String]) -> Self {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let run = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut numbers: HashMap<&Path, usize> = HashMap::new();
        let mut inputs = Vec::new();
        for (key, path) in paths {
            let next = numbers.len() + 1;
            let number = *numbers.entry(path).or_insert(next);
            let instead = format!("input-{number}");
            inputs.push((instead.clone(), key.clone()));
            let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
            for name in [path.clone(), whole] {
                add(run, name.to_string_lossy().into_owned(), instead.clone(), true);
            }
        }
        for text in texts {
            add(run, text.clone(), "(hidden)".to_string(), false);
        }
        Self { run, inputs }
    }

    /// Explains the placeholders in `text` by their configuration keys: `input-1 is load.nifti.path`.
    #[must_use]
    pub fn explained(&self, text: &str) -> String {
        let spoken = self.inputs.iter().filter(|(instead, _)| text.contains(instead));
        let words = spoken.map(|(instead, key)| format!("{instead} is {key}")).collect::<Vec<_>>().join(", ");
        let numbered = text.contains("/file-");
        if numbered { format!("{words}; its files are numbered in the order of their names") } else { words }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        COVERED.write().unwrap_or_else(PoisonError::into_inner).retain(|covered| covered.run != self.run);
    }
}

fn add(run: u64, name: String, instead: String, folder: bool) {
    let mut all = COVERED.write().unwrap_or_else(PoisonError::into_inner);
    if name.is_empty() || all.iter().any(|covered| covered.run == run && covered.name == name) {
        return;
    }
    let place = all.partition_point(|covered| covered.name.len() >= name.len());
    all.insert(place, Covered { run, name, instead, folder });
}

/// Hides the names of the files of an input too, if the input itself is hidden: file names may identify the patient as
/// much as the folder's name.
pub fn cover_files<'a>(input: &Path, files: impl Iterator<Item = &'a Path>) {
    let found = {
        let all = COVERED.read().unwrap_or_else(PoisonError::into_inner);
        let input = input.to_string_lossy();
        let one = all.iter().find(|covered| covered.folder && covered.name == input);
        one.map(|covered| (covered.run, covered.instead.clone()))
    };
    let Some((run, instead)) = found else { return };
    for (number, file) in files.enumerate() {
        let instead = if file == input { instead.clone() } else { format!("{instead}/file-{}", number + 1) };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        add(run, file.to_string_lossy().into_owned(), instead.clone(), false);
        if name.chars().count() >= SHORTEST {
            add(run, name, instead, false);
        }
    }
}

/// Returns the text with all hidden names replaced by their placeholders.
#[must_use]
pub fn covered(text: &str) -> String {
    let all = COVERED.read().unwrap_or_else(PoisonError::into_inner);
    let mut text = text.to_string();
    for one in all.iter() {
        if text.contains(&one.name) {
            text = replaced(&text, one);
        }
    }
    text
}

fn replaced(text: &str, one: &Covered) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&one.name) {
        out.push_str(&rest[..at]);
        out.push_str(&one.instead);
        rest = &rest[at + one.name.len()..];
        if one.folder && rest.starts_with('/') {
            // A file in the folder, of unknown name: remove the rest of the path, which in messages ends at one of
            // these marks.
            let end = [": ", "\n", "\"", "'", "`"].iter().filter_map(|mark| rest.find(mark)).min();
            rest = &rest[end.unwrap_or(rest.len())..];
        }
    }
    out + rest
}

/// Replaces the hidden names in all strings of a JSON value; keys stay as they are.
pub fn cover_json(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = covered(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(cover_json),
        serde_json::Value::Object(map) => map.values_mut().for_each(cover_json),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_covered_in_texts_while_the_run_lasts() {
        let path = PathBuf::from("data/Mrs Canary/series-q");
        let named = ("load.dicom.path".to_string(), path.clone());
        let hidden = Hidden::new(&[named.clone(), named], &["1.2.840.77".to_string()]);
        assert!(hidden.explained("input-1: damaged").starts_with("input-1 is load.dicom.path"));
        let text = "data/Mrs Canary/series-q/a b.dcm: damaged, series 1.2.840.77";
        assert_eq!(covered(text), "input-1: damaged, series (hidden)");
        let files = [path.join("a b.dcm"), path.join("Canary.dcm")];
        cover_files(&path, files.iter().map(PathBuf::as_path));
        assert_eq!(covered(text), "input-1/file-1: damaged, series (hidden)");
        assert_eq!(covered("two: Canary.dcm and a b.dcm"), "two: input-1/file-2 and input-1/file-1");
        drop(hidden);
        assert_eq!(covered(text), text);
    }
}
