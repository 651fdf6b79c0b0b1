//! Stopping rule and step size of a primal-dual method.

use crate::algorithms::weight::{Auto, Weight};
use crate::algorithms::{Estimate, Setup};
use crate::error::{Error, Result};
use crate::require;

/// Stopping rule, constraint and step size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Maximum number of iterations.
    pub iterations: u64,
    /// Duality gap relative to the objective at which the iteration stops; 0 runs all iterations.
    pub tolerance: f64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Primal step size τ at weight 2e-4; it scales as 1/√weight. It affects only the speed of convergence.
    pub step: f64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { iterations: 500, tolerance: 0.01, nonnegative: true, step: 7.0 }
    }
}

impl Effort {
    /// Refuses values out of range; the error names the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        if self.iterations == 0 {
            return Err(Error::config("iterations", "expected at least 1, got 0"));
        }
        require::not_negative("tolerance", self.tolerance)?;
        require::positive("step", self.step)?;
        Ok(())
    }

    /// Cost of the iterations while `volumes` volumes and `projections` projection stacks (f32) are held; an automatic
    /// weight adds about ten short trials.
    #[must_use]
    pub fn estimate(&self, setup: &Setup<'_>, volumes: u64, projections: u64, weight: &Weight) -> Estimate {
        let (samples, voxels) = (setup.samples() as u64, setup.grid.voxels() as u64);
        let longest = setup.grid.shape.iter().copied().max().unwrap_or(1) as f64;
        let trials = match weight {
            Weight::Fixed(_) => 0.0,
            Weight::Auto(Auto { near: Some(most), .. }) => 80.0 * *most as f64,
            Weight::Auto(_) => 600.0,
        };
        Estimate {
            operations: (self.iterations as f64 + trials) * 2.0 * 16.0 * samples as f64 * longest,
            memory_bytes: 4 * (projections * samples + volumes * voxels),
        }
    }
}
