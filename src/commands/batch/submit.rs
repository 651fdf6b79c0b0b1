//! `recon batch submit FILE`: freezes a study (saves it with the resolved pipeline of each task) and runs its tasks, or
//! with `--resume` only the missing ones.

use super::super::Output;
use super::collect::collected;
use crate::batch::{Engine, Planned, Study, Submission, frozen};
use crate::error::{Error, Result};
use crate::jobs::Ledger;
use crate::progress::StopSignal;
use clap::ValueEnum;
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
    /// Number of tasks that one element of a job array runs one after the other; useful for tasks of a few seconds
    #[arg(long, value_name = "N", default_value = "1")]
    pub chunk: NonZeroUsize,
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
    let ledger = frozen(&study, &args.file, &text, &folder, args.chunk.get(), args.resume)?;
    let mut planned = Planned::new(&ledger, submission, stop)?;
    let submitted = planned.submit(&ledger, stop)?;
    if submitted.ran { collected(&ledger) } else { Ok(handed_over(&ledger, &planned, &submitted.said)) }
}

/// Does everything except the submission, in a temporary folder that is removed afterwards (with `--resume`, in the
/// study folder).
fn dry_run(args: &Args, study: &Study, text: &str, submission: &Submission, stop: &dyn StopSignal) -> Result<Output> {
    let folder = args.output.clone().unwrap_or_else(|| study.folder());
    let temporary = std::env::temp_dir().join(format!("recon-dry-run-{}", std::process::id()));
    let place = if args.resume { &folder } else { &temporary };
    let ledger = frozen(study, &args.file, text, place, args.chunk.get(), args.resume)?;
    let planned = Planned::new(&ledger, submission.clone(), stop)?;
    let preview = planned.preview(&ledger);
    if !args.resume {
        std::fs::remove_dir_all(&temporary).map_err(|error| Error::write(&temporary, &error))?;
    }
    let preview = preview?;
    let (temporary, folder) = (ledger.root.display().to_string(), folder.display().to_string());
    let preview = if args.resume { preview } else { preview.replace(&temporary, &folder) };
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
    let summary = format!("recon batch status {}", ledger.root.display());
    Output { text: said.trim_end().to_string(), value, summary }
}
