//! Headers of scanners as text of `[section]` and `key=value` lines (sections are ignored), and their search in the
//! folder of the images.

use crate::error::{Error, Result};
use crate::input_path;
use std::path::{Path, PathBuf};

/// Largest header that is read, bytes.
const MAX_BYTES: u64 = 1 << 24;

/// A scanner's header.
pub(super) struct Ini {
    path: PathBuf,
    entries: Vec<(String, String)>,
}

impl Ini {
    /// Reads the only header of a folder that ends in `.extension`.
    ///
    /// # Errors
    /// A path that is not a folder; a folder with none or several headers.
    pub(super) fn in_folder(folder: &Path, extension: &str) -> Result<Self> {
        Self::read(&only(folder, extension)?)
    }

    fn read(path: &Path) -> Result<Self> {
        let bytes = input_path::read(path, MAX_BYTES)?;
        let text = String::from_utf8_lossy(&bytes);
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let entries = pairs.map(|(key, value)| (key.trim().to_lowercase(), value.trim().to_string())).collect();
        Ok(Self { path: path.to_path_buf(), entries })
    }

    /// Path of the header.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// File name of the header without its extension.
    pub(super) fn stem(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The first value of a key, in upper or lower case; `None` if it is missing or empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let key = key.to_lowercase();
        let found = self.entries.iter().find(|(own, _)| *own == key).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// The number of a key, if the key exists.
    ///
    /// # Errors
    /// A value that is not a finite number.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| Error::input(&self.path, format!("{key}: expected a number, got `{text}`")))
    }

    /// The number of a key that must exist.
    ///
    /// # Errors
    /// As [`Ini::number`]; a key that is missing.
    pub(super) fn needed(&self, key: &str) -> Result<f64> {
        self.number(key)?.ok_or_else(|| {
            Error::input(&self.path, format!("the header has no `{key}`")).hint("add it to the header by hand")
        })
    }

    /// The positive whole number of a key that must exist.
    ///
    /// # Errors
    /// As [`Ini::needed`]; a number that is zero, negative or not whole.
    pub(super) fn count(&self, key: &str) -> Result<usize> {
        let number = self.needed(key)?;
        if number >= 1.0 && number.fract() == 0.0 && number < 1e9 {
            return Ok(number as usize);
        }
        Err(Error::input(&self.path, format!("{key}: expected a positive whole number, got {number}")))
    }
}

/// The only file of a folder with this extension.
///
/// # Errors
/// A path that is not a folder (the images beside the header are needed too); a folder with none or several such files.
pub(super) fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    if folder.is_file() {
        let parent = folder.parent().unwrap_or(Path::new("."));
        return Err(Error::input(folder, "expected the folder of the scan, got its header alone")
            .hint(format!("give {}, which holds the images too", parent.display())));
    }
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = listed.map_err(|error| Error::read(folder, &error))?;
    let ends = |path: &PathBuf| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension));
    let mut found: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(ends).collect();
    found.sort();
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => Err(Error::input(folder, format!("no .{extension} file in this folder"))),
        several => {
            let names: Vec<String> =
                several.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
            Err(Error::input(folder, format!("expected one .{extension} file, found {}", names.join(", ")))
                .hint("keep the header of one scan beside its images"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_section_and_case_and_faults_have_their_names() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.log"), "[System]\r\nScanner = X\n[A]\nStep (deg)= 0.5\nBad=one\nNone=\n")
            .unwrap();
        let ini = Ini::in_folder(folder.path(), "log").unwrap();
        assert_eq!(
            (ini.text("scanner"), ini.number("step (DEG)").unwrap(), ini.text("none")),
            (Some("X"), Some(0.5), None)
        );
        assert!(ini.needed("bad").err().unwrap().to_string().contains("expected a number, got `one`"));
        assert!(ini.count("absent").err().unwrap().to_string().contains("no `absent`"));
        assert!(ini.count("Step (deg)").is_err());
        assert!(
            Ini::in_folder(&folder.path().join("a.log"), "log").err().unwrap().to_string().contains("the folder of")
        );
        std::fs::write(folder.path().join("b.LOG"), "").unwrap();
        assert!(Ini::in_folder(folder.path(), "log").err().unwrap().to_string().contains("found a.log, b.LOG"));
    }
}
