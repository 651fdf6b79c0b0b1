//! `recon init [KIND]`: a commented pipeline to begin with, with all that it needs beside it.

use super::{Output, schema};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress;
use clap::ValueEnum;
use std::path::PathBuf;

/// What the pipeline begins from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A phantom, scanned with a cone beam: runs as it is
    #[default]
    Ct,
    /// A CT series of your own (a DICOM folder), scanned again with few views
    Dicom,
    /// A CT volume of your own (NIfTI), scanned again with few views
    Nifti,
    /// Projections that a scanner measured (TIFF images)
    Measured,
    /// A study of many cases: runs as it is, on twelve noise realisations of a phantom
    Batch,
    /// Pictures of a scene from many cameras: runs as it is
    Nerf,
}

/// What `recon init` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// What it begins from
    #[arg(value_enum, default_value_t)]
    pub kind: Kind,
    /// The folder to write into
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub output: PathBuf,
}

/// A file to write: its name and its text.
type File = (&'static str, String);

/// A file that is shipped, with the places of its neighbours as they are in one folder.
macro_rules! shipped {
    ($name:literal, $folder:literal) => {
        ($name, flattened(include_str!(concat!("../../", $folder, "/", $name))))
    };
}

impl Kind {
    /// The pipeline, then what it reads, then its schema.
    fn files(self) -> Vec<File> {
        let mut files: Vec<File> = match self {
            Self::Ct => vec![shipped!("ct.yaml", "pipelines"), shipped!("shepp-logan.yaml", "phantoms")],
            Self::Dicom => vec![shipped!("dicom.yaml", "pipelines")],
            Self::Nifti => vec![shipped!("nifti.yaml", "pipelines")],
            Self::Measured => vec![shipped!("measured.yaml", "pipelines")],
            Self::Batch => vec![
                shipped!("batch.yaml", "pipelines"),
                ("case.yaml", flattened(include_str!("../../pipelines/shepp-logan-2d.yaml"))),
                shipped!("shepp-logan-2d.yaml", "phantoms"),
            ],
            Self::Nerf => vec![shipped!("nerf.yaml", "pipelines"), shipped!("still-life.yaml", "phantoms")],
        };
        if self == Self::Batch {
            files[0].1 = files[0].1.replace("pipeline: shepp-logan-2d.yaml", "pipeline: case.yaml");
            files.push(("study.schema.json", schema::run(&schema::Args { bench: false, batch: true }).text + "\n"));
        }
        files.push(("pipeline.schema.json", schema::run(&schema::Args::default()).text + "\n"));
        files
    }

    /// What to do next.
    fn next(self) -> &'static str {
        match self {
            Self::Ct => "recon run ct.yaml",
            Self::Dicom => "recon run dicom.yaml --set load.dicom.path=FOLDER",
            Self::Nifti => "recon run nifti.yaml --set load.nifti.path=FILE",
            Self::Measured => "set the paths and distances in measured.yaml, then: recon check measured.yaml",
            Self::Batch => "recon batch submit batch.yaml --parallel 2",
            Self::Nerf => "recon run nerf.yaml",
        }
    }
}

/// Paths of the repository as paths in one folder.
fn flattened(text: &str) -> String {
    text.replace("../phantoms/", "").replace(" pipelines/", " ")
}

/// Writes the files; none of them if one is there.
///
/// # Errors
/// A file that is there; a folder that cannot be written.
pub fn run(args: &Args) -> Result<Output> {
    let files = args.kind.files();
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| args.output.join(name)).collect();
    // A schema is the same whoever writes it.
    let own = |path: &&PathBuf| path.extension().is_none_or(|extension| extension != "json");
    if let Some(there) = paths.iter().filter(own).find(|path| path.exists()) {
        return Err(Error::config("--output", format!("{} is there already", progress::place(there)))
            .hint("name another folder: recon init --output DIR"));
    }
    std::fs::create_dir_all(&args.output).map_err(|error| Error::write(&args.output, &error))?;
    for (path, (_, text)) in paths.iter().zip(&files) {
        atomic::write(path, text.as_bytes())?;
    }
    let named: Vec<String> = paths.iter().map(|path| progress::place(path)).collect();
    let value = serde_json::json!({"files": paths, "next": args.kind.next()});
    Ok(Output { text: named.join("\n"), value, summary: format!("next: {}", args.kind.next()) })
}
