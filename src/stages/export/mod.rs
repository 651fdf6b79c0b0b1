//! export: DICOM series, the report, the resolved pipeline and the manifest. The volumes themselves (NIfTI, HU) are
//! written by the stages that make them.

mod dicom;
mod manifest;
mod pictures;
mod scan;
mod volumes;

pub use manifest::{FileHash, Manifest};

use super::Stage;
use super::flow::{Findings, Measurement, Outcome, Reconstructed};
use crate::context::{Context, InputFile, layout};
use crate::data::{Quantity, Report, Status};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::formats::dicom::Identity;
use crate::formats::geometry::GeometryFormat;
use crate::progress;
use crate::report::{self, Gallery, RunFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Output files and their folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The run folder, relative to the working directory. Default: runs/NAME.
    pub directory: Option<PathBuf>,
    /// Formats of the volumes. NIfTI is always written, because a run resumes from it.
    pub volumes: Vec<VolumeFormat>,
    /// Formats of the scan geometry. JSON is always written, because a run resumes from it.
    pub geometry: Vec<GeometryFormat>,
    /// Formats of the report.
    pub report: Vec<ReportFormat>,
    /// Settings of the DICOM series.
    pub dicom: DicomConfig,
    /// Interactive viewer in report.html; `null` leaves it out.
    pub viewer: Option<ViewerConfig>,
}

/// Interactive viewer in report.html.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ViewerConfig {
    /// Largest size that the viewer's volumes add to report.html, MiB, 0.1 to 1024. To stay below it, their values are
    /// rounded and then neighbouring voxels averaged, in the viewer only.
    pub size_mib: f64,
}

impl Default for ViewerConfig {
    fn default() -> Self {
        Self { size_mib: 6.0 }
    }
}

impl Default for Config {
    fn default() -> Self {
        let report = vec![ReportFormat::Html, ReportFormat::Json, ReportFormat::Csv];
        Self {
            directory: None,
            volumes: vec![VolumeFormat::Nifti],
            geometry: vec![GeometryFormat::Json],
            report,
            dicom: DicomConfig::default(),
            viewer: Some(ViewerConfig::default()),
        }
    }
}

impl Config {
    /// Refuses invalid values.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        let size = self.viewer.as_ref().map_or(1.0, |viewer| viewer.size_mib);
        if !(0.1..=1024.0).contains(&size) {
            let problem = format!("expected 0.1 to 1024 MiB, got {size}");
            return Err(Error::config("export.viewer.size_mib", problem).hint("viewer: null leaves the viewer out"));
        }
        Ok(())
    }
}

/// A format of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeFormat {
    /// NIfTI, METHOD/volume.nii.gz.
    Nifti,
    /// DICOM CT series, METHOD/dicom/.
    Dicom,
    /// MetaImage, METHOD/volume.mha.
    Metaimage,
    /// NRRD, METHOD/volume.nrrd.
    Nrrd,
    /// NumPy array with a sidecar file for the grid, METHOD/volume.npy.
    Npy,
    /// NumPy archive with a sidecar file for the grid, METHOD/volume.npz.
    Npz,
    /// Raw numbers with a sidecar file for the grid, METHOD/volume.raw.
    Raw,
    /// TIFF stack with a sidecar file for the grid, METHOD/volume.tif.
    Tiff,
}

impl VolumeFormat {
    /// File name extension, for formats of single files that are written in addition to NIfTI.
    fn ending(self) -> Option<&'static str> {
        match self {
            Self::Nifti | Self::Dicom => None,
            Self::Metaimage => Some(".mha"),
            Self::Nrrd => Some(".nrrd"),
            Self::Npy => Some(".npy"),
            Self::Npz => Some(".npz"),
            Self::Raw => Some(".raw"),
            Self::Tiff => Some(".tif"),
        }
    }
}

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportFormat {
    /// HTML page with pictures, which needs no network.
    Html,
    /// All values as JSON.
    Json,
    /// Table of the metrics as CSV.
    Csv,
}

/// Settings of the DICOM series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DicomConfig {
    /// Whether the patient's identity is kept or dropped. Default: drop if `load` reads a file that may show a person,
    /// keep for phantoms and measured projections.
    pub identity: Option<Identity>,
}

impl DicomConfig {
    /// The configured treatment of the identity; by default it is dropped.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity.unwrap_or_default()
    }
}

/// The export stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// Name of the pipeline.
    pub name: String,
    /// Output files and their folder.
    pub config: Config,
}

/// Results of all earlier stages.
pub struct Results<'a> {
    /// The measurement of the object.
    pub measured: &'a Measurement,
    /// Outcome of every method.
    pub outcomes: &'a [Outcome],
    /// Evaluation of the methods.
    pub findings: &'a Findings,
    /// The pipeline with all defaults written out; paths are relative to the run folder or replaced by placeholders.
    pub resolved: serde_json::Value,
}

impl Results<'_> {
    /// Results of the completed methods.
    fn made(&self) -> impl Iterator<Item = &Reconstructed> {
        self.outcomes.iter().filter_map(|outcome| outcome.result.as_ref())
    }

    /// Checkpoints of completed methods. They are outputs, because they hold the weights of fields.
    fn checkpoints(&self, context: &Context) -> Vec<String> {
        let completed = self.outcomes.iter().filter(|outcome| outcome.result.is_some());
        let names = [layout::CHECKPOINT, layout::PREVIOUS_CHECKPOINT];
        let files = completed.flat_map(|outcome| names.map(|name| format!("{}/{name}", outcome.name)));
        files.filter(|file| context.folder.path(file).exists()).collect()
    }

    /// All input files, without repetitions.
    fn inputs(&self) -> Vec<InputFile> {
        let mut all = self.measured.inputs().to_vec();
        for file in self.made().flat_map(|made| &made.inputs) {
            if !all.contains(file) {
                all.push(file.clone());
            }
        }
        all
    }
}

const CHANGED: &str = "the input changed while the run went on: the results are those of its earlier bytes";

impl Stage for Export {
    type Input<'a> = Results<'a>;
    type Output<'a> = Report;
    const NAME: &'static str = "export";

    fn work<'a>(&'a self, results: Results<'a>, context: &'a Context) -> Result<Report> {
        context.fresh();
        let task = progress::begin("export", None);
        let mut files = results.measured.files().to_vec();
        files.extend(results.made().flat_map(|result| result.files.clone()));
        files.extend(results.findings.files.iter().cloned());
        let scan = results.measured.projections();
        let hounsfield = scan.is_some_and(|scan| scan.quantity == Quantity::Hounsfield);
        if self.config.volumes.contains(&VolumeFormat::Dicom) && !hounsfield {
            let message = "DICOM series hold Hounsfield units, and the attenuation of water is unknown: none is \
             written; give mu_water_per_mm";
            progress::warn("no_hounsfield", message);
        } else if self.config.volumes.contains(&VolumeFormat::Dicom) && context.stop_signal().stop().is_none() {
            // A run that was asked to stop only writes its report.
            if let Some(scan) = scan {
                files.extend(dicom::series(&self.config.dicom, scan, results.outcomes, context)?);
            }
        }
        if let Some(scan) = scan {
            files.extend(scan::write(&self.config.geometry, scan, context)?);
        }
        if context.stop_signal().stop().is_none() {
            files.extend(volumes::write(&self.config.volumes, &results, context)?);
        }
        files.push(write_pipeline(&results.resolved, context)?);
        files.extend(results.checkpoints(context));
        let inputs = results.inputs();
        let changed = context.changed(&inputs).map(|file| file.path.clone());
        if let Some(path) = &changed {
            progress::warn("input_changed", &format!("{}: {CHANGED}", progress::place(path)));
        }
        let mut manifest = Manifest::new(context, self.config.dicom.identity(), &inputs, &files)?;
        let report = self.report(&results, context);
        let shown = pictures::shown(&results, context)?;
        let facts = manifest.facts();
        let gallery =
            Gallery { pictures: shown.iter().map(pictures::Shown::pair).collect(), ..self.gallery(&results, facts) };
        let written = self.write_report(&report, &gallery, context)?;
        manifest.add_outputs(context, &written)?;
        manifest.write(context)?;
        task.end();
        match changed {
            Some(path) => Err(Error::input(path, CHANGED).hint("run the same command again for the new bytes")),
            None => Ok(report),
        }
    }
}

impl Export {
    fn gallery<'a>(&self, results: &Results<'a>, run: RunFacts) -> Gallery<'a> {
        let made = || {
            let outcomes = results.outcomes.iter();
            outcomes.filter_map(|outcome| outcome.result.as_ref().map(|result| (outcome.name.clone(), result)))
        };
        Gallery {
            truth: results.measured.projections().and_then(|scan| scan.truth.as_ref()),
            methods: made().map(|(name, result)| (name, &result.volume)).collect(),
            uncertainties: made().filter_map(|(name, result)| Some((name, result.uncertainty.as_ref()?))).collect(),
            starts: made()
                .filter(|(_, result)| result.facts.has_difference)
                .filter_map(|(name, result)| Some((name, result.start.as_ref()?)))
                .collect(),
            viewer_bytes: self.config.viewer.as_ref().map(|viewer| (viewer.size_mib * f64::from(1 << 20)) as usize),
            projections: results.measured.projections().map(|scan| &scan.projections),
            pictures: Vec::new(),
            run,
        }
    }

    fn report(&self, results: &Results, context: &Context) -> Report {
        let any = |status| results.outcomes.iter().any(|outcome| outcome.status == status);
        let status = if any(Status::Interrupted) {
            Status::Interrupted
        } else if any(Status::Failed) || any(Status::Diverged) {
            Status::Failed
        } else {
            Status::Complete
        };
        Report {
            schema: Report::SCHEMA,
            name: self.name.clone(),
            status,
            device: context.machine.device_name(),
            seed: context.seed,
            identity: self.config.dicom.identity().word().to_string(),
            stages: context.stages(),
            methods: results.findings.methods.clone(),
            metric_definitions: results.findings.definitions.clone(),
            warnings: context.warnings(),
            config: results.resolved.clone(),
        }
    }

    fn write_report(&self, report: &Report, gallery: &Gallery, context: &Context) -> Result<Vec<String>> {
        let write = |format: &ReportFormat| {
            let (name, text) = match format {
                ReportFormat::Html => (layout::REPORT_HTML, report::html::page(report, gallery)),
                ReportFormat::Json => (layout::REPORT_JSON, report::json::document(report)),
                ReportFormat::Csv => (layout::REPORT_CSV, report::csv::table(report)),
            };
            atomic::write(&context.folder.path(name), text.as_bytes()).map(|()| name.to_string())
        };
        self.config.report.iter().map(write).collect()
    }
}

fn write_pipeline(resolved: &serde_json::Value, context: &Context) -> Result<String> {
    let text = serde_yaml::to_string(resolved).map_err(|error| Error::resource(layout::PIPELINE, error))?;
    atomic::write(&context.folder.path(layout::PIPELINE), text.as_bytes())?;
    Ok(layout::PIPELINE.to_string())
}
