//! Whose results a run folder holds: one pipeline's, by its name. Another's are not overwritten unless forced.

use super::folder::RunFolder;
use super::layout;
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress;
use std::path::Path;

/// The file that holds the name of the pipeline.
const OWNER: &str = ".cache/pipeline";
/// What shows that a folder holds results, if nothing says whose.
const RESULTS: [&str; 4] = [layout::TRUTH, layout::PROJECTIONS, layout::REPORT_JSON, layout::MANIFEST];

/// Refuses a folder that holds results of another pipeline than the one called `name`, or files with the names of
/// results that no run made. To be asked before anything is written.
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

/// Says whose results the folder holds from now on.
pub(super) fn sign(folder: &RunFolder, name: &str) -> Result<()> {
    if std::fs::read(folder.path(OWNER)).is_ok_and(|found| found == name.as_bytes()) {
        return Ok(());
    }
    atomic::write(&folder.path(OWNER), name.as_bytes())
}

/// The name of the pipeline whose results are there: as it was signed, or (older runs) as the report has it.
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
