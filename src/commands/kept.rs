//! Reads the results of a finished run back from its folder, for its report and for comparisons.

use crate::context::layout;
use crate::data::{Projections, Report, Volume};
use crate::error::{Error, Result};
use crate::formats::{geometry, nifti, npy};
use crate::input_path;
use crate::report::Gallery;
use crate::stages::export::Manifest;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Size of the largest report or manifest that is read, bytes; a larger file is an error.
const LARGEST: u64 = 1 << 26;

/// A finished run.
pub(super) struct Kept {
    /// The run folder.
    pub(super) folder: PathBuf,
    /// The contents of its `report.json`.
    pub(super) report: Report,
}

/// Volumes `[z, y, x]` (truth, and by method name) and projections `[view, row, column]` of a run.
#[derive(Default)]
pub(super) struct Arrays {
    pub(super) truth: Option<Volume>,
    pub(super) methods: Vec<(String, Volume)>,
    pub(super) uncertainties: Vec<(String, Volume)>,
    /// Starts of the methods that a learned prior changed.
    pub(super) starts: Vec<(String, Volume)>,
    pub(super) projections: Option<Projections>,
}

/// Whether a path is the folder of a finished run: it holds a `report.json`.
pub(super) fn is_run(path: &Path) -> bool {
    path.join(layout::REPORT_JSON).is_file()
}

impl Kept {
    /// Reads the report of a run folder.
    ///
    /// # Errors
    /// A folder without a `report.json`, or a damaged report.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        if !folder.exists() {
            return Err(Error::input(folder, "no such file or folder"));
        }
        let path = folder.join(layout::REPORT_JSON);
        if !path.is_file() {
            let problem = format!("expected the folder of a finished run, got one without {}", layout::REPORT_JSON);
            return Err(Error::input(folder, problem)
                .hint("give the folder that `recon run` printed, and run the pipeline to its end"));
        }
        Ok(Self { folder: folder.to_path_buf(), report: json(&path)? })
    }

    /// The last component of the folder's path, or the run's name if the path has none.
    pub(super) fn name(&self) -> String {
        let whole = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        whole.file_name().map_or_else(|| self.report.name.clone(), |name| name.to_string_lossy().into_owned())
    }

    /// Reads the manifest of the run.
    ///
    /// # Errors
    /// A folder without a manifest, or a damaged manifest.
    pub(super) fn manifest(&self) -> Result<Manifest> {
        json(&self.folder.join(layout::MANIFEST))
    }

    /// Reads the truth, the volumes and uncertainties of the methods, and the projections; files that do not exist are
    /// left out.
    ///
    /// # Errors
    /// Damaged files; a run of camera images, whose report cannot be made from the folder alone.
    pub(super) fn arrays(&self) -> Result<Arrays> {
        if self.folder.join(layout::PICTURES).exists() {
            return Err(Error::input(&self.folder, "expected a run of projections, got one of pictures")
                .hint("`recon run` on its pipeline rewrites the report without repeating finished stages"));
        }
        let units = self.units();
        let read = |name: &str| -> Result<Option<Volume>> {
            let path = self.folder.join(name);
            path.exists().then(|| nifti::read(&path, units).map(|loaded| loaded.volume)).transpose()
        };
        let mut arrays = Arrays { truth: read(layout::TRUTH)?, ..Arrays::default() };
        for method in &self.report.methods {
            let name = &method.name;
            arrays.methods.extend(read(&format!("{name}/{}", layout::VOLUME))?.map(|volume| (name.clone(), volume)));
            let map = read(&format!("{name}/{}", layout::UNCERTAINTY))?;
            arrays.uncertainties.extend(map.map(|map| (name.clone(), map)));
            if self.folder.join(name).join(layout::DIFFERENCE).exists() {
                arrays.starts.extend(read(&format!("{name}/{}", layout::START))?.map(|start| (name.clone(), start)));
            }
        }
        let scan = [layout::GEOMETRY, layout::PROJECTIONS].map(|name| self.folder.join(name));
        if scan.iter().all(|path| path.exists()) {
            arrays.projections = Some(npy::read_projections(&scan[1], geometry::read(&scan[0])?)?);
        }
        Ok(arrays)
    }

    /// Unit of the run's volumes: HU, or attenuation in 1/mm for a measured scan without `mu_water_per_mm`.
    fn units(&self) -> nifti::Units {
        let acquire = self.report.config.get("acquire").filter(|acquire| acquire.is_object());
        let unknown =
            |acquire: &serde_json::Value| acquire.get("mu_water_per_mm").is_none_or(serde_json::Value::is_null);
        if acquire.is_some_and(unknown) { nifti::Units::AttenuationPerMm } else { nifti::Units::Hounsfield }
    }

    /// Limit on the bytes of the report's viewer, from `export.viewer.size_mib` of the run (6 MiB if absent); `None` if
    /// the run has no viewer.
    pub(super) fn viewer_bytes(&self) -> Option<usize> {
        let viewer = self.report.config.pointer("/export/viewer");
        let size = match viewer {
            Some(viewer) if viewer.is_null() => return None,
            Some(viewer) => viewer.get("size_mib").and_then(serde_json::Value::as_f64),
            None => None,
        };
        Some((size.unwrap_or(6.0).clamp(0.1, 1024.0) * f64::from(1 << 20)) as usize)
    }
}

impl Arrays {
    /// The arrays as input for the figures of a report.
    pub(super) fn gallery(&self) -> Gallery<'_> {
        Gallery {
            truth: self.truth.as_ref(),
            methods: self.methods.iter().map(|(name, volume)| (name.clone(), volume)).collect(),
            starts: self.starts.iter().map(|(name, start)| (name.clone(), start)).collect(),
            uncertainties: self.uncertainties.iter().map(|(name, map)| (name.clone(), map)).collect(),
            projections: self.projections.as_ref(),
            ..Gallery::default()
        }
    }
}

/// Reads a JSON file of a run.
fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = input_path::read_text(path, LARGEST)?;
    serde_json::from_str(&text).map_err(|error| {
        Error::input(path, format!("damaged: {error}"))
            .hint("run the pipeline again: intact results are not computed again")
    })
}
