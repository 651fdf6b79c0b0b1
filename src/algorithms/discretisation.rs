//! How finely a method models the scan: on voxels finer than the picture's, with several rays for each detector pixel.
//!
//! With one ray per pixel on voxels as large as the picture's, what the discrete model gets wrong at edges is larger
//! than the noise of a usual scan. A method with `discretisation` works on a lattice that is `lattice` times finer
//! along every axis, averages `sub_rays` rays along each detector axis, in the projector and in its adjoint, and hands
//! back the mean of the fine voxels in each voxel of the picture.

use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::data::{Grid, Volume};
use crate::error::{Error, Result};
use crate::operators::xray;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most times finer, and most sub-rays: voxels and memory grow with the third power of it.
const MOST: usize = 4;

/// How much finer than the picture a method models the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Discretisation {
    /// How many times finer the method's voxels are than the picture's, along every axis: 1 to 4.
    #[schemars(range(min = 1, max = 4))]
    pub lattice: usize,
    /// Rays that are averaged for a detector pixel, along each of its axes: 1 to 4; default: as many as `lattice`.
    #[schemars(range(min = 1, max = 4))]
    pub sub_rays: Option<usize>,
}

impl Default for Discretisation {
    /// The picture's voxels, one ray per pixel.
    fn default() -> Self {
        Self { lattice: 1, sub_rays: None }
    }
}

impl Discretisation {
    /// Refuses numbers that make no sense, by their keys.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        for (key, value) in [("lattice", self.lattice), ("sub_rays", self.rays())] {
            if !(1..=MOST).contains(&value) {
                return Err(Error::config(
                    format!("discretisation.{key}"),
                    format!("expected 1 to {MOST}, got {value}"),
                )
                .hint("2 is what most scans want"));
            }
        }
        Ok(())
    }

    /// Rays of a pixel along each axis.
    #[must_use]
    pub fn rays(&self) -> usize {
        self.sub_rays.unwrap_or(self.lattice)
    }

    /// The lattice that the method works on: the picture's box in finer voxels; a slice stays one.
    ///
    /// # Errors
    /// More voxels than a grid may have.
    pub fn grid(&self, grid: &Grid) -> Result<Grid> {
        let finer = |k: usize| if k == 0 && grid.is_2d() { 1 } else { grid.shape[k].saturating_mul(self.lattice) };
        grid.with_shape(std::array::from_fn(finer))
            .map_err(|error| error.hint("lower discretisation.lattice, or take a coarser grid"))
    }

    /// The cost of `algorithm` on the finer lattice, where each sub-ray counts as a ray.
    #[must_use]
    pub fn estimate(&self, algorithm: &dyn Algorithm, setup: &Setup<'_>) -> Estimate {
        let Ok(geometry) = setup.geometry() else { return algorithm.estimate(setup) };
        let [rows, columns] = xray::sub_ray_factors(setup.grid, self.rays());
        let fine = self.grid(setup.grid).unwrap_or_else(|_| setup.grid.clone());
        algorithm.estimate(&Setup::xrays(&geometry.subdivided(rows, columns), &fine))
    }

    /// Refuses a measurement that `algorithm` does not take on the finer lattice.
    ///
    /// # Errors
    /// As [`Algorithm::accept`]; more voxels than a grid may have.
    pub fn accept(&self, algorithm: &dyn Algorithm, setup: &Setup<'_>) -> Result<()> {
        algorithm.accept(&Setup { grid: &self.grid(setup.grid)?, ..*setup })
    }

    /// The problem that the method solves: the same measurements, explained on the finer lattice.
    ///
    /// # Errors
    /// More voxels than a grid may have; a linear map, which has its own grid, with `lattice` above 1.
    pub fn problem<'p>(&self, problem: &'p Problem<'_>) -> Result<Problem<'p>> {
        problem.on(self.grid(&problem.grid)?, self.lattice, self.rays())
    }

    /// Has `algorithm` reconstruct on the finer lattice, and averages what it gives over the voxels of the problem's
    /// grid.
    ///
    /// # Errors
    /// As [`Algorithm::reconstruct`] and [`Discretisation::problem`].
    pub fn reconstruct(
        &self,
        algorithm: &dyn Algorithm,
        problem: &Problem<'_>,
        run: &mut Run<'_>,
    ) -> Result<Reconstruction> {
        let fine = self.problem(problem)?;
        if self.lattice == 1 {
            return algorithm.reconstruct(&fine, run);
        }
        let grid = &problem.grid;
        run.initial = run.initial.take().map(|volume| volume.resampled(&fine.grid)).transpose()?;
        let mut made = algorithm.reconstruct(&fine, run)?;
        let averaged = |volume: Option<Volume>| volume.map(|volume| volume.resampled(grid)).transpose();
        made.volume = made.volume.resampled(grid)?;
        made.start = averaged(made.start)?;
        // The deviation of a mean is at most the mean of the deviations: that much if neighbours vary together.
        made.uncertainty = averaged(made.uncertainty)?;
        Ok(made)
    }
}
