//! A volume that is there already: an earlier scan, or what another tool made of the same data.
//!
//! It stands among the methods to be measured like them, and as what others start from (`start_from`): a prior image is
//! embedded in a field that way (Shen, Pauly, Xing, NeRP, IEEE TNNLS 2022). The stage reads the file and brings it onto
//! the grid.

use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::{Error, Result};
use crate::input_path::InputPath;
use crate::progress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A volume from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A volume in HU of any format (NIfTI, MetaImage, NRRD, a folder with a DICOM series, ...). It is averaged onto
    /// the grid; what it does not cover is air.
    pub path: InputPath,
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        if self.path.exists() {
            return Ok(());
        }
        Err(Error::config("path", format!("expected a volume, {} is not there", progress::place(&self.path))))
    }

    fn iterative(&self) -> bool {
        false
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        Estimate { operations: setup.grid.voxels() as f64, memory_bytes: 8 * setup.grid.voxels() as u64 }
    }

    fn reconstruct(&self, _problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        let read = || {
            Error::config(
                "path",
                format!("{} was not read: the caller hands it over as `initial`", self.path.display()),
            )
        };
        run.initial.take().map(Reconstruction::plain).ok_or_else(read)
    }
}
