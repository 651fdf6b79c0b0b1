//! `recon init [KIND]`: writes a commented example pipeline and the files that it needs into one folder.

use super::{Output, schema};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress;
use clap::ValueEnum;
use std::path::PathBuf;

/// The source of the data in the example pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A simulated cone-beam scan of a phantom; runs without changes
    #[default]
    Ct,
    /// A simulated scan with few views of your own CT series (a DICOM folder)
    Dicom,
    /// A simulated scan with few views of your own CT volume (NIfTI)
    Nifti,
    /// Measured projections from a scanner (TIFF images)
    Measured,
    /// A study of many cases: twelve noise realisations of a phantom; runs without changes
    Batch,
    /// Simulated camera images of a scene, for a radiance field (NeRF); runs without changes
    Nerf,
}

/// Arguments of `recon init`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// Source of the data in the example
    #[arg(value_enum, default_value_t)]
    pub kind: Kind,
    /// Folder to write into
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub output: PathBuf,
}

/// Name and text of a file to write.
type File = (&'static str, String);

/// A file of the repository that is compiled into the program, with its paths changed for a single folder.
macro_rules! shipped {
    ($name:literal, $folder:literal) => {
        ($name, flattened(include_str!(concat!("../../", $folder, "/", $name))))
    };
}

impl Kind {
    /// The files to write: the pipeline, the files that it reads, its JSON schema.
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

    /// The command to run next.
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

/// Replaces the repository's paths in `text` by paths in a single folder.
fn flattened(text: &str) -> String {
    text.replace("../phantoms/", "").replace(" pipelines/", " ")
}

/// Writes the files; writes nothing if one of them exists, JSON schemas aside.
///
/// # Errors
/// A file that already exists, a folder that cannot be written.
pub fn run(args: &Args) -> Result<Output> {
    let files = args.kind.files();
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| args.output.join(name)).collect();
    // JSON schemas do not depend on the user, so an existing one may be overwritten.
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
