//! FDK: filtered backprojection of cone and fan beams on a circle.
//!
//! f(x) = ∫ (R/U)² [(w(β, γ) cos · p_β) * h](u, v) dβ on the detector scaled to the rotation axis, with R the
//! source-to-axis distance, U the distance from the source to the voxel along the central ray, and w the redundancy
//! weight of a ray (½ over a full circle, where every ray is measured twice). Feldkamp, Davis, Kress, J. Opt. Soc. Am.
//! A 1 (1984) 612. On a cylindrical detector the columns are at equal angles: U is then the distance from the source,
//! and the ramp h(γ) is multiplied by (γ / sin γ)² (Kak and Slaney 1988, §3.4.1). Short scans take Parker's weights and
//! detectors shifted sideways Wang's; tilted detectors are resampled first; a helix is approximated (`helical.rs`).
//! Exact in the mid-plane of a full circle or short scan; the standard method for cone beams.

use super::filtered::{Filtering, orbit};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup, Takes, helical};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// FDK (cone and fan beam).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Config(pub Filtering);

impl Algorithm for Config {
    fn takes(&self) -> Takes {
        Takes::Xrays
    }

    fn check(&self, setup: &Setup<'_>) -> Result<()> {
        let geometry = setup.geometry()?;
        if geometry.orbit.is_none() && helical::circle_of(geometry).is_some() {
            return self.0.check_scan(setup);
        }
        let orbit = orbit(geometry)?;
        if orbit.source_to_axis.is_none() {
            return Err(Error::config("", "needs a divergent beam, and this one is parallel").hint("use `fbp`"));
        }
        if orbit.source_to_detector.is_none() {
            return Err(Error::config("", "needs the orbit's source-to-detector distance"));
        }
        self.0.check_scan(setup)
    }

    fn iterative(&self) -> bool {
        false
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        Estimate {
            operations: 12.0 * setup.grid.voxels() as f64 * setup.views() as f64,
            memory_bytes: 8 * setup.samples() as u64,
        }
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.0.apply(problem, run.device, "fdk")
    }
}
