//! Owner of a run folder: the name of the pipeline whose results it holds. Results of another pipeline are overwritten
//! only with `--force`.

use super::folder::RunFolder;
use super::layout;
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress;
use std::path::Path;

/// The file that holds the name of the pipeline.
const OWNER: &str = ".cache/pipeline";
/// Files that show that a folder holds results although it names no pipeline.
const RESULTS: [&str; 4] = [layout::TRUTH, layout::PROJECTIONS, layout::REPORT_JSON, layout::MANIFEST];

/// Refuses a folder that holds results of a pipeline with a name other than `name`, or files that have the names of
/// results but were made by no run. Call it before anything is written.
pub(super) fn check(root: &Path, name: &str) -> Result<()> {
    let refuse = |whose: String| {
        Err(Error::config("export.directory", format!("{} holds {whose}", progress::place(root)))
            .hint("choose another folder with --output, or replace them with --force"))
    };
    match owner(root) {
        Some(other) if other != name => refuse(format!("the results of the pipeline `{other}`, this one is `{name}`")),
        Some(_) => Ok(()),
        None if root.join(".cache").exists() => Ok(()),
        None => match RESULTS.iter().find(|file| root.join(file).exists()) {
            Some(file) => refuse(format!("a file {file} that no run of recon made")),
            None => Ok(()),
        },
    }
}

/// Records `name` as the pipeline whose results the folder holds.
pub(super) fn sign(folder: &RunFolder, name: &str) -> Result<()> {
    if std::fs::read(folder.path(OWNER)).is_ok_and(|found| found == name.as_bytes()) {
        return Ok(());
    }
    atomic::write(&folder.path(OWNER), name.as_bytes())
}

/// Name of the pipeline whose results are in the folder: from the file [`OWNER`] or, for older runs, from the report.
fn owner(root: &Path) -> Option<String> {
    if let Ok(name) = std::fs::read_to_string(root.join(OWNER)) {
        return Some(name);
    }
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.join(layout::REPORT_JSON)).ok()?).ok()?;
    report.get("name")?.as_str().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_another_pipeline_and_files_of_nobody_are_left_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join("run");
        check(&root, "a").unwrap();
        let folder = RunFolder::open(&root).unwrap();
        sign(&folder, "a").unwrap();
        check(&root, "a").unwrap();
        assert_eq!(check(&root, "b").unwrap_err().exit_code(), 2);
        std::fs::write(temporary.path().join("truth.nii.gz"), "mine").unwrap();
        assert!(check(temporary.path(), "a").unwrap_err().to_string().contains("truth.nii.gz"));
    }
}
