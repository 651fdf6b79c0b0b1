//! `files`: the files or folders that a pattern matches.

use super::glob::matches;
use super::{CaseSource, StudyCase, safe};
use crate::error::{Error, Result};
use crate::jobs::expanded;
use crate::pipeline::Assignment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Files or folders, such as NIfTI volumes or folders of DICOM series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Pattern of their paths, relative to the study file: `*` stands for anything in one name, `?` for a character,
    /// `${NAME}` for a variable of the environment.
    pub glob: String,
    /// Name of a case: `{1}` is what the first `*` stands for, and so on. Default: all of them, joined by `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The key of the pipeline that takes the path.
    pub key: String,
}

impl CaseSource for Config {
    fn cases(&self, folder: &Path) -> Result<Vec<StudyCase>> {
        let glob = expanded(&self.glob, |_| None).map_err(|name| {
            let error = Error::config("glob", format!("`{}`: ${{{name}}} is not set", self.glob));
            error.hint("set it in the environment").under("files")
        })?;
        let found = matches(folder, &glob)?;
        if found.is_empty() {
            let problem = format!("`{}` matches nothing in {}", self.glob, folder.display());
            return Err(Error::config("glob", problem).under("files"));
        }
        let keys: Vec<&str> = self.key.split('.').collect();
        let case = |(path, stars): (std::path::PathBuf, Vec<String>)| {
            let id = self.name(&stars).map_err(|error| error.under("files"))?;
            let value = path.to_str().ok_or_else(|| {
                Error::input(&path, "expected a path in UTF-8, got other bytes").hint("rename the file or folder")
            })?;
            let changes = vec![Assignment::literal(&keys, value.into())];
            Ok(StudyCase { id: safe(&id), origin: path.display().to_string(), changes, folder: folder.to_path_buf() })
        };
        found.into_iter().map(case).collect()
    }
}

impl Config {
    fn name(&self, stars: &[String]) -> Result<String> {
        let Some(pattern) = &self.id else {
            return Ok(if stars.is_empty() { "case".to_string() } else { stars.join("-") });
        };
        let (mut name, mut rest) = (String::new(), pattern.as_str());
        while let Some((before, after)) = rest.split_once('{') {
            let number = after.split_once('}').and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest)));
            let star = number.and_then(|(number, rest)| Some((stars.get(number.checked_sub(1)?)?, rest)));
            let Some((star, after)) = star else {
                let problem =
                    format!("expected {{1}} to {{{}}}, one for each `*` of the glob, got `{pattern}`", stars.len());
                return Err(Error::config("id", problem));
            };
            name += before;
            name += star;
            rest = after;
        }
        Ok(name + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_named_by_what_the_stars_stand_for() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b/ct-1.nii", "b/ct-2.nii", "a/ct-1.nii", "a/mr-1.nii", ".hidden/ct-1.nii"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let ids = |id: Option<&str>, glob: &str| {
            let config = Config { glob: glob.into(), id: id.map(String::from), key: "load.nifti.path".into() };
            config.cases(folder.path()).map(|cases| cases.into_iter().map(|case| case.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(None, "*/ct-*.nii").unwrap(), ["a-1", "b-1", "b-2"]);
        assert_eq!(ids(Some("P{1}_{2}"), "*/ct-*.nii").unwrap(), ["Pa_1", "Pb_1", "Pb_2"]);
        assert_eq!(ids(None, "*").unwrap(), ["a", "b"]);
        assert!(ids(Some("{2}"), "*").unwrap_err().to_string().contains("expected {1} to {1}"));
        assert!(ids(None, "c/*").unwrap_err().to_string().contains("matches nothing"));
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf_8_is_refused_and_not_left_out() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.nii"), "").unwrap();
        let name = std::ffi::OsStr::from_bytes(b"M\xfcller.nii");
        if std::fs::write(folder.path().join(name), "").is_err() {
            return; // This file system takes no such names.
        }
        let cases = |glob: &str| {
            let config = Config { glob: glob.into(), id: None, key: "load.nifti.path".into() };
            config.cases(folder.path())
        };
        let error = cases("*.nii").unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("expected a path in UTF-8"), "{error}");
        assert_eq!(cases("a*.nii").unwrap().len(), 1, "a pattern that does not match it is no matter");
    }
}
