//! Filtered backprojection of parallel beams, slice by slice: f(x) = ∫₀^π (p_θ * h)(x·e_θ) dθ, h the windowed ramp. Kak
//! and Slaney, "Principles of Computerized Tomographic Imaging", 1988, §3.3. The standard method for parallel beams.
//! For arcs longer than half a turn, and for detectors shifted sideways over a full turn, weights make every ray count
//! once.

use super::filtered::{Filtering, orbit};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup, Takes};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Filtered backprojection (parallel beam).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Config(pub Filtering);

impl Algorithm for Config {
    fn takes(&self) -> Takes {
        Takes::Xrays
    }

    fn check(&self, setup: &Setup<'_>) -> Result<()> {
        match orbit(setup.geometry()?)?.source_to_axis {
            None => self.0.check_scan(setup),
            Some(_) => Err(Error::config("", "needs a parallel beam, and this one diverges").hint("use `fdk`")),
        }
    }

    fn iterative(&self) -> bool {
        false
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        Estimate {
            operations: 10.0 * setup.grid.voxels() as f64 * setup.views() as f64,
            memory_bytes: 8 * setup.samples() as u64,
        }
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.0.apply(problem, run.device, "fbp")
    }
}
