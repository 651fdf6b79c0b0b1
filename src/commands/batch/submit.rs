//! `recon batch submit FILE`: freezes a study (saves it with the resolved pipeline of each task) and runs its tasks, or
//! with `--resume` only the missing ones.

use super::super::Output;
use super::collect::collected;
use crate::batch::{Engine, Planned, Study, Submission, frozen};
use crate::error::{Error, Result};
use crate::jobs::Ledger;
use crate::progress::StopSignal;
use crate::schedulers::quoted;
use clap::ValueEnum;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Arguments of `recon batch submit`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The study file (YAML)
    pub file: PathBuf,
    /// Where the tasks run
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineName,
    /// Number of tasks that run at the same time with --engine local
    #[arg(long, value_name = "N", default_value = "1")]
    pub parallel: NonZeroUsize,
    /// Number of tasks that one element of a job array runs one after the other; useful for tasks of a few seconds;
    /// default: 1
    #[arg(long, value_name = "N")]
    pub chunk: Option<NonZeroUsize>,
    /// Submit the missing tasks of a study that was submitted before
    #[arg(long)]
    pub resume: bool,
    /// Show what would be submitted, and ask the scheduler whether it would accept it, without submitting
    #[arg(long)]
    pub dry_run: bool,
    /// Folder of the study
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Where the tasks run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Processes on this machine
    #[default]
    Local,
    /// A SLURM job array
    Slurm,
    /// Files for Kubernetes and AWS Batch, which you submit yourself
    Manifest,
}

/// Submits the study.
///
/// # Errors
/// An invalid study, a scheduler that refuses; exit code 4 if a task failed.
pub(super) fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let (study, text) = Study::read(&args.file)?;
    let folder = args.output.clone().unwrap_or_else(|| study.folder());
    let engine = match args.engine {
        EngineName::Local => Engine::Local,
        EngineName::Slurm => Engine::Slurm,
        EngineName::Manifest => Engine::Manifest,
    };
    let submission = Submission { engine, parallel: args.parallel, resources: study.resources.clone() };
    if args.dry_run {
        return dry_run(args, &study, &text, &submission, stop);
    }
    let mut ledger = frozen(&study, &args.file, &text, &folder, args.chunk, args.resume)?;
    let mut planned = Planned::new(&ledger, submission, stop)?;
    ledger.set_attempts(study.retry.attempts.get())?;
    let submitted = planned.submit(&ledger, stop)?;
    if submitted.ran { collected(&ledger) } else { Ok(handed_over(&ledger, &planned, &submitted.said)) }
}

/// Does everything except the submission, in a temporary folder (with `--resume`, in the study folder).
fn dry_run(args: &Args, study: &Study, text: &str, submission: &Submission, stop: &dyn StopSignal) -> Result<Output> {
    let folder = args.output.clone().unwrap_or_else(|| study.folder());
    let temporary = if args.resume { None } else { Some(Temporary::new()?) };
    let place = temporary.as_ref().map_or(folder.as_path(), |temporary| &temporary.0);
    let ledger = frozen(study, &args.file, text, place, args.chunk, args.resume)?;
    let planned = Planned::new(&ledger, submission.clone(), stop)?;
    let preview = planned.preview(&ledger)?;
    let (root, folder) = (ledger.root.display().to_string(), folder.display().to_string());
    let preview = if args.resume { preview } else { preview.replace(&root, &folder) };
    let head = format!("{} of {} tasks in {} elements", planned.missing, planned.tasks, planned.elements());
    let value = serde_json::json!({
        "tasks": planned.tasks, "missing": planned.missing, "elements": planned.elements(), "preview": preview,
    });
    Ok(Output { text: format!("{head}\n{}", preview.trim_end()), value, summary: String::new() })
}

fn handed_over(ledger: &Ledger, planned: &Planned, said: &str) -> Output {
    let value = serde_json::json!({
        "directory": ledger.root, "tasks": planned.tasks, "elements": planned.elements(), "said": said,
    });
    let summary = format!("recon batch status {}", quoted(&ledger.root.display().to_string()));
    Output { text: said.trim_end().to_string(), value, summary }
}

/// A new folder, which is removed with all that is in it when this value is dropped, after an error too.
struct Temporary(PathBuf);

impl Temporary {
    /// Creates the folder under a name that nothing has yet, because a process that was killed leaves its folder.
    fn new() -> Result<Self> {
        let mut number = 0;
        loop {
            let path = std::env::temp_dir().join(format!("recon-dry-run-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                made => return made.map(|()| Self(path.clone())).map_err(|error| Error::write(&path, &error)),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_folders_are_new_and_are_removed() {
        let (first, second) = (Temporary::new().unwrap(), Temporary::new().unwrap());
        std::fs::write(first.0.join("study.json"), "").unwrap();
        assert!(first.0 != second.0 && second.0.read_dir().unwrap().next().is_none());
        let path = first.0.clone();
        drop(first);
        assert!(!path.exists() && second.0.exists());
    }
}
