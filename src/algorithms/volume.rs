//! An existing volume from a file: an earlier scan, or the result of another tool for the same data.
//!
//! It is listed as a method so that it can be evaluated like the others and serve as their initial volume
//! (`start_from`); a neural field embeds a prior image in this way (Shen, Pauly, Xing, NeRP, IEEE TNNLS 2022). The
//! pipeline stage reads the file and resamples it to the grid.

use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::{Error, Result};
use crate::input_path::InputPath;
use crate::progress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A volume read from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Path of a volume in HU in any supported format (NIfTI, MetaImage, NRRD, a folder with a DICOM series, ...). It
    /// is averaged onto the grid; voxels that it does not cover are air.
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
