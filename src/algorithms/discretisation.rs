//! Discretisation of the scan model: a reconstruction grid finer than the output grid, and several rays per detector
//! pixel.
//!
//! With one ray per pixel and voxels as large as those of the output grid, the discretisation error at edges exceeds
//! the noise of a typical scan. A method with `discretisation` works on a grid that is `lattice` times finer along
//! every axis and averages `sub_rays` rays along each detector axis, in the projector and in its adjoint. Its result is
//! the mean of the fine voxels in each voxel of the output grid.

use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::data::{Grid, Volume};
use crate::error::{Error, Result};
use crate::operators::xray;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Upper limit of `lattice` and `sub_rays`: the number of voxels, and so the memory, grows with the third power of
/// `lattice`.
const MOST: usize = 4;

/// Refinement of the reconstruction grid and of the detector sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Discretisation {
    /// Factor by which the method's voxels are smaller than those of the output grid along every axis, 1 to 4.
    #[schemars(range(min = 1, max = 4))]
    pub lattice: usize,
    /// Number of rays averaged along each axis of a detector pixel, 1 to 4; `null` takes `lattice`.
    #[schemars(range(min = 1, max = 4))]
    pub sub_rays: Option<usize>,
}

impl Default for Discretisation {
    /// The voxels of the output grid and one ray per pixel.
    fn default() -> Self {
        Self { lattice: 1, sub_rays: None }
    }
}

impl Discretisation {
    /// Refuses values out of range; the error names the key.
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
                .hint("2 suits most scans"));
            }
        }
        Ok(())
    }

    /// Number of rays along each axis of a detector pixel.
    #[must_use]
    pub fn rays(&self) -> usize {
        self.sub_rays.unwrap_or(self.lattice)
    }

    /// The grid that the method works on: `grid` with `lattice` times finer voxels; a 2-D grid stays a single slice.
    ///
    /// # Errors
    /// More voxels than a grid may have.
    pub fn grid(&self, grid: &Grid) -> Result<Grid> {
        let finer = |k: usize| if k == 0 && grid.is_2d() { 1 } else { grid.shape[k].saturating_mul(self.lattice) };
        grid.with_shape(std::array::from_fn(finer))
            .map_err(|error| error.hint("lower discretisation.lattice, or take a coarser grid"))
    }

    /// The cost of `algorithm` on the finer grid, where each sub-ray counts as a ray.
    #[must_use]
    pub fn estimate(&self, algorithm: &dyn Algorithm, setup: &Setup<'_>) -> Estimate {
        let Ok(geometry) = setup.geometry() else { return algorithm.estimate(setup) };
        let [rows, columns] = xray::sub_ray_factors(setup.grid, self.rays());
        let fine = self.grid(setup.grid).unwrap_or_else(|_| setup.grid.clone());
        algorithm.estimate(&Setup::xrays(&geometry.subdivided(rows, columns), &fine))
    }

    /// Refuses a measurement that `algorithm` does not accept on the finer grid.
    ///
    /// # Errors
    /// As [`Algorithm::accept`]; more voxels than a grid may have.
    pub fn accept(&self, algorithm: &dyn Algorithm, setup: &Setup<'_>) -> Result<()> {
        algorithm.accept(&Setup { grid: &self.grid(setup.grid)?, ..*setup })
    }

    /// The problem that the method solves: the same measurements, with the finer grid and `sub_rays` rays per pixel
    /// axis.
    ///
    /// # Errors
    /// More voxels than a grid may have; a linear map, which has its own grid, with `lattice` above 1.
    pub fn problem<'p>(&self, problem: &'p Problem<'_>) -> Result<Problem<'p>> {
        problem.on(self.grid(&problem.grid)?, self.lattice, self.rays())
    }

    /// Reconstructs with `algorithm` on the finer grid and averages the result over the voxels of the problem's grid.
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
        // The standard deviation of a mean is at most the mean of the standard deviations, which it is for fully
        // correlated voxels.
        made.uncertainty = averaged(made.uncertainty)?;
        Ok(made)
    }
}
