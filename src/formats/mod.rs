//! Stub until the formats branch is merged.
#![allow(missing_docs, clippy::missing_errors_doc, clippy::unnecessary_wraps)]
use crate::data::{Geometry, Grid, Projections, Quantity, Volume, Warnings};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
pub struct Loaded {
    pub volume: Volume,
    pub source: Option<dicom::SourceSeries>,
    pub warnings: Warnings,
}
pub mod atomic {
    use super::*;
    use std::io::Write;
    pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
        write_with(path, |w| w.write_all(bytes))
    }
    pub fn write_with(path: &Path, f: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
        let mut bytes = Vec::new();
        f(&mut bytes).map_err(|e| Error::write(path, &e))?;
        let temporary = path.with_file_name(format!(".partial-{}", path.file_name().unwrap_or_default().to_string_lossy()));
        std::fs::write(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path)).map_err(|e| Error::write(path, &e))
    }
    pub fn sweep(_folder: &Path) {}
}
pub mod nifti {
    use super::*;
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum Units {
        Hounsfield,
        AttenuationPerMm,
        Relative,
    }
    pub fn read(path: &Path, _units: Units) -> Result<Loaded> {
        let bytes = std::fs::read(path).map_err(|e| Error::read(path, &e))?;
        let (grid, values): (Grid, Vec<f32>) = serde_json::from_slice(&bytes).map_err(|e| Error::input(path, e))?;
        Ok(Loaded { volume: Volume::from_vec(grid, Quantity::Hounsfield, values)?, source: None, warnings: vec![] })
    }
    pub fn write(path: &Path, volume: &Volume, _description: &str) -> Result<()> {
        super::atomic::write(path, &serde_json::to_vec(&(&volume.grid, volume.as_slice())).expect("numbers"))
    }
}
pub mod dicom {
    use super::*;
    use std::path::PathBuf;
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct SourceSeries {}
    pub fn read_series(path: &Path, _series: Option<&str>) -> Result<Loaded> {
        Err(Error::input(path, "no DICOM yet"))
    }
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    pub enum Identity {
        Keep,
        #[default]
        Drop,
    }
    pub struct Labels {
        pub series_description: String,
        pub series_number_offset: u32,
        pub derivation: String,
        pub identity: Identity,
        pub content_hash: String,
    }
    pub struct Written {
        pub files: Vec<PathBuf>,
        pub saturated: u64,
    }
    pub fn write_series(_folder: &Path, _volume: &Volume, _labels: &Labels, _source: Option<&SourceSeries>) -> Result<Written> {
        Ok(Written { files: vec![], saturated: 0 })
    }
}
pub mod npy {
    use super::*;
    pub fn write_projections(path: &Path, p: &Projections) -> Result<()> {
        super::atomic::write(path, &serde_json::to_vec(p.as_slice()).expect("numbers"))
    }
    pub fn read_projections(path: &Path, geometry: Geometry) -> Result<Projections> {
        let bytes = std::fs::read(path).map_err(|e| Error::read(path, &e))?;
        Projections::from_vec(geometry, serde_json::from_slice(&bytes).map_err(|e| Error::input(path, e))?)
    }
}
pub mod geometry {
    use super::*;
    pub fn write(path: &Path, g: &Geometry) -> Result<()> {
        super::atomic::write(path, &serde_json::to_vec(g).expect("numbers"))
    }
    pub fn read(path: &Path) -> Result<Geometry> {
        let bytes = std::fs::read(path).map_err(|e| Error::read(path, &e))?;
        serde_json::from_slice(&bytes).map_err(|e| Error::input(path, e))
    }
}
pub mod grid_of {
    use super::*;
    pub fn read(path: &Path) -> Result<Grid> {
        Ok(super::nifti::read(path, super::nifti::Units::Hounsfield)?.volume.grid)
    }
}
#[derive(Debug, Clone, Serialize)]
pub struct Description {
    pub kind: String,
    pub rows: Vec<(String, String)>,
    pub warnings: Warnings,
}
pub fn describe(path: &Path) -> Result<Description> {
    Err(Error::input(path, "unknown kind of file"))
}
