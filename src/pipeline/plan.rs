//! [`Plan`]: what a run would do, determined without running it.

use super::{Coverage, MeasurementSource, Pipeline};
use crate::algorithms::{Estimate, Measured, Setup};
use crate::context::Machine;
use crate::data::{Geometry, Grid, Warning, Warnings};
use crate::error::{Error, Result};
use crate::memory;
use crate::progress::{self, StopSignal};
use crate::registry::Kinds;
use crate::stages::reconstruct::Method;
use crate::stages::simulate::Simulate;
use serde::Serialize;
use std::path::Path;

/// Assumed speed of one CPU thread in dense f32 work, operations per second. Good only for the order of magnitude of a
/// time.
const OPERATIONS_PER_SECOND: f64 = 6e10;

/// Plan of a run, for `recon check`.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Name of the pipeline.
    pub name: String,
    /// The chosen device and the reason for the choice.
    pub device: String,
    /// Number of threads.
    pub threads: usize,
    /// Reconstruction grid.
    pub grid: Grid,
    /// Shape of the projections, or of all pictures: [views, rows, columns].
    pub projections: [usize; 3],
    /// Coverage of the volume by the scan; `None` for pictures.
    pub seen: Option<Coverage>,
    /// The methods.
    pub methods: Vec<PlannedMethod>,
    /// Available memory, bytes; `None` if unknown.
    pub available_memory_bytes: Option<u64>,
    /// Path of the run folder.
    pub directory: String,
    /// Warnings that a run would give before its first method.
    pub warnings: Warnings,
}

/// Estimated cost of a method.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedMethod {
    /// Name of the method.
    pub name: String,
    /// Kind of algorithm.
    pub algorithm: String,
    /// Estimated time on the CPU, seconds; right only to the order of magnitude.
    pub seconds: f64,
    /// Estimated memory beside the loaded data, bytes.
    pub memory_bytes: u64,
}

impl Pipeline {
    /// Validates the pipeline without reconstructing: reads the input, builds grid and scan, checks every method, and
    /// checks device, memory and run folder.
    ///
    /// # Errors
    /// Every error that a run would give before its first method.
    pub fn check(&self, stop: &dyn StopSignal) -> Result<Plan> {
        let machine = Machine::take(self.config.device, self.config.threads)?;
        self.config.limits.set()?;
        check_writable(&self.directory())?;
        let (grid, seen, projections, methods, mut warnings) = if self.source.is_pictures() {
            let (grid, measured) = self.source.plan_pictures(self.config.seed)?;
            let methods = self.planned(&Setup { grid: &grid, measured }, machine.threads)?;
            (grid, None, measured.shape(), methods, Warnings::new())
        } else {
            let (grid, geometry, warnings) = self.source.plan(stop)?;
            let methods = self.planned(&Setup::xrays(&geometry, &grid), machine.threads)?;
            (grid.clone(), Some(Coverage::new(&grid, &geometry)), geometry.shape(), methods, warnings)
        };
        let available = memory::available();
        let most = methods.iter().map(|method| method.memory_bytes).max().unwrap_or(0);
        if available.is_some_and(|available| most > available) {
            warnings.push(Warning::new(
                "memory",
                format!("a method needs about {most} bytes, {} are free", available.unwrap_or(0)),
            ));
        }
        Ok(Plan {
            name: self.config.name.clone(),
            device: machine.device_reason,
            threads: machine.threads,
            seen,
            projections,
            grid,
            methods,
            available_memory_bytes: available,
            directory: self.directory().display().to_string(),
            warnings,
        })
    }

    fn planned(&self, setup: &Setup<'_>, threads: usize) -> Result<Vec<PlannedMethod>> {
        let plan = |(i, method): (usize, &Method)| {
            method.accept(setup).map_err(|error| error.under(&format!("reconstruct[{i}]")))?;
            let Estimate { operations, memory_bytes } = method.estimate(setup);
            let seconds = operations / (OPERATIONS_PER_SECOND * threads as f64);
            let algorithm = method.kind.name().to_string();
            Ok(PlannedMethod { name: method.name.clone(), algorithm, seconds, memory_bytes })
        };
        self.reconstruct.methods.iter().enumerate().map(plan).collect()
    }
}

impl MeasurementSource {
    /// Grid, and size and number of the pictures.
    fn plan_pictures(&self, seed: u64) -> Result<(Grid, Measured<'static>)> {
        let (grid, pixels, training, held_out) = match self {
            Self::Photographed(load, photograph) => {
                let (grid, placed) = photograph.plan(&load.content()?.0, seed)?;
                let pixels = placed.training.first().map_or([0, 0], |camera| camera.pixels);
                (grid, pixels, placed.training.len(), placed.held_out.len())
            }
            Self::Pictures(acquire) => {
                let pictures = acquire.plan()?;
                let pixels = pictures.pixels();
                (pictures.grid, pixels, pictures.training.len(), pictures.held_out.len())
            }
            Self::Simulated(..) | Self::Measured(_) => {
                return Err(Error::config("load", "expected camera pictures, got X-ray projections"));
            }
        };
        Ok((grid, Measured::Pictures { pixels, training, held_out }))
    }

    /// Grid, scan, and the warnings that a run would give.
    fn plan(&self, stop: &dyn StopSignal) -> Result<(Grid, Geometry, Warnings)> {
        match self {
            Self::Measured(acquire) => {
                acquire.plan(stop).map(|planned| (planned.grid, planned.geometry, planned.warnings))
            }
            Self::Photographed(..) | Self::Pictures(_) => {
                Err(Error::config("load", "expected X-ray projections, got camera pictures"))
            }
            Self::Simulated(load, simulate) => {
                let (content, mut warnings) = load.content()?;
                let (grid, geometry) = simulate.plan(&content)?;
                warnings.extend(Simulate::concerns(&content, &grid, &geometry)?);
                Ok((grid, geometry, warnings))
            }
        }
    }
}

/// Checks that the folder can be written, by creating a file in its nearest existing parent.
fn check_writable(directory: &Path) -> Result<()> {
    let existing = directory
        .ancestors()
        .find(|folder| folder.exists())
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !existing.is_dir() {
        return Err(Error::resource(
            directory.display().to_string(),
            format!("cannot be made: {} is not a folder", progress::place(existing)),
        ));
    }
    let probe = existing.join(format!(".partial-probe-{}", std::process::id()));
    std::fs::write(&probe, [])
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| Error::write(directory, &error))
}
