//! [`Plan`]: what a run would do, without doing it.

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

/// What one CPU thread does in dense f32 work, operations per second: good for the order of magnitude of a time only.
const OPERATIONS_PER_SECOND: f64 = 6e10;

/// What a run would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Name of the pipeline.
    pub name: String,
    /// What is computed on, and why.
    pub device: String,
    /// Threads.
    pub threads: usize,
    /// Grid of the reconstructions.
    pub grid: Grid,
    /// Shape of the projections, or of all pictures [views, rows, columns].
    pub projections: [usize; 3],
    /// What the scan sees of the volume; none for pictures, whose cameras see all of it.
    pub seen: Option<Coverage>,
    /// The methods.
    pub methods: Vec<PlannedMethod>,
    /// Memory that can be had, bytes.
    pub available_memory_bytes: Option<u64>,
    /// The run folder.
    pub directory: String,
    /// What a run would warn about.
    pub warnings: Warnings,
}

/// What a method would need.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedMethod {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub algorithm: String,
    /// Seconds it would take, very roughly, on the CPU.
    pub seconds: f64,
    /// Memory it would need beside what is loaded, bytes.
    pub memory_bytes: u64,
}

impl Pipeline {
    /// Validates the pipeline without computing: reads the input, builds grid and scan, checks every method, looks at
    /// device, memory and disk.
    ///
    /// # Errors
    /// What a run would fail with before its first method.
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
    /// Grid and pictures.
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
                return Err(Error::config("load", "projections are no pictures"));
            }
        };
        Ok((grid, Measured::Pictures { pixels, training, held_out }))
    }

    /// Grid, scan and what a run would warn about.
    fn plan(&self, stop: &dyn StopSignal) -> Result<(Grid, Geometry, Warnings)> {
        match self {
            Self::Measured(acquire) => {
                acquire.plan(stop).map(|planned| (planned.grid, planned.geometry, planned.warnings))
            }
            Self::Photographed(..) | Self::Pictures(_) => Err(Error::config("load", "pictures are no projections")),
            Self::Simulated(load, simulate) => {
                let (content, mut warnings) = load.content()?;
                let (grid, geometry) = simulate.plan(&content)?;
                warnings.extend(Simulate::concerns(&content, &grid, &geometry)?);
                Ok((grid, geometry, warnings))
            }
        }
    }
}

/// Tries to make a file in the nearest folder that exists.
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
