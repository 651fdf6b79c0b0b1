//! Helpers that the test binaries share: a temporary folder in which the program runs, scans and random values, and
//! requirements that a machine may lack.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test binary uses its part")]

mod needs;
pub(crate) mod scans;

pub(crate) use needs::{data, data_or_skip, missing, python, python_or_skip, skipped};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Path of the tiny pipeline that many tests run.
pub(crate) const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny.yaml");

/// Path of the Shepp-Logan phantom in three dimensions.
pub(crate) const SHEPP_LOGAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan.yaml");

/// A temporary folder in which a test runs the program; it is removed when the value is dropped.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recon"));
        command.args(args).current_dir(self.folder.path());
        command
    }

    /// Runs `recon ARGS` to its end.
    pub(crate) fn recon(&self, args: &[&str]) -> Outcome {
        Outcome::from(self.command(args).output().unwrap())
    }

    /// Runs the tiny pipeline with FDK as its only method into the folder `out`; `more` holds additional arguments.
    pub(crate) fn quick(&self, more: &[&str]) -> Outcome {
        let mut args =
            vec!["run", TINY, "--output", "out", "--set", "reconstruct=[fdk]", "--set", "export.volumes=[nifti]"];
        args.extend(more);
        self.recon(&args)
    }

    /// Returns the path of every file below a folder except `log.jsonl`, relative to that folder and sorted.
    pub(crate) fn files(&self, relative: &str) -> Vec<String> {
        let root = self.path(relative);
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.sort();
        found
    }

    /// Returns the arrays of every finished task of the study in `out`, by the names of their files.
    pub(crate) fn arrays(&self) -> BTreeMap<String, Vec<u8>> {
        let array = |file: &String| Path::new(file).extension().is_some_and(|kind| kind == "gz" || kind == "npy");
        let files = self.files("out/cases").into_iter().filter(array);
        files.map(|file| (file.clone(), std::fs::read(self.path("out/cases").join(file)).unwrap())).collect()
    }

    /// Returns the names of the stages that the run with this report computed and did not take from an earlier run.
    pub(crate) fn computed(&self, report: &str) -> Vec<String> {
        let report = self.json(report);
        let stages = report["stages"].as_array().unwrap().iter().filter(|stage| stage["cached"] == false);
        stages.map(|stage| stage["name"].as_str().unwrap().to_string()).collect()
    }

    pub(crate) fn json(&self, relative: &str) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.path(relative)).unwrap()).unwrap()
    }
}

fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            walk(&path, root, found);
        } else if path.file_name().unwrap() != "log.jsonl" {
            found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
}

/// Exit code and output of a command; the code is −1 if a signal ended the command.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Outcome {
    /// Fails unless the command ended with the exit code `code` and wrote each text of `said` to stderr.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        for words in said {
            assert!(self.stderr.contains(words), "expected `{words}` in {self:#?}");
        }
        self
    }
}
