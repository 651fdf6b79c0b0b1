//! FDK: filtered backprojection of cone (and fan) beams over a full circle.
//!
//! f(x) = ½ ∫₀^{2π} (R/U)² [(cos · p_θ) * h](u, v) dθ on the detector scaled to the axis, R = source to axis, U = source to
//! the voxel along the central ray. Feldkamp, Davis, Kress, J. Opt. Soc. Am. A 1 (1984) 612. Exact in the mid-plane; the
//! baseline of cone-beam work.

use super::filtered::{Filtering, orbit, view_weights, whole_turns};
use super::{Algorithm, Estimate, Reconstruction, Run};
use crate::data::{DetectorShape, Geometry, Grid, Projections, norm};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// FDK (cone and fan beam, full circle).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Config(pub Filtering);

impl Algorithm for Config {
    fn check(&self, geometry: &Geometry, _grid: &Grid) -> Result<()> {
        self.0.check("fdk")?;
        let orbit = orbit(geometry, "fdk")?;
        if orbit.source_to_axis.is_none() {
            return Err(Error::config("fdk", "needs a divergent beam, and this one is parallel").hint("use `fbp`"));
        }
        if geometry.detector.shape != DetectorShape::Flat {
            return Err(Error::config("fdk", "needs a flat detector, and this one is cylindrical").hint("use an iterative method"));
        }
        if whole_turns(orbit, TAU).is_none() {
            let problem = format!("needs a full circle (arc_deg a multiple of 360), got {:.1}", orbit.arc.to_degrees());
            return Err(Error::config("fdk", problem).hint("use `tv` or `neural_field` on other arcs"));
        }
        Ok(())
    }

    fn estimate(&self, geometry: &Geometry, grid: &Grid) -> Estimate {
        Estimate { operations: 12.0 * grid.voxels() as f64 * geometry.views.len() as f64, memory_bytes: 8 * geometry.samples() as u64 }
    }

    fn reconstruct(&self, data: &Projections, grid: &Grid, _run: &mut Run<'_>) -> Result<Reconstruction> {
        self.check(&data.geometry, grid)?;
        let orbit = orbit(&data.geometry, "fdk")?;
        let magnification = match (orbit.source_to_axis, orbit.source_to_detector) {
            (Some(axis), Some(detector)) => detector / axis,
            _ => return Err(Error::config("fdk", "needs the orbit's source-to-axis and source-to-detector distances")),
        };
        let pitch = norm(data.geometry.views[0].u) / magnification;
        Ok(Reconstruction::plain(self.0.apply(data, grid, &view_weights(orbit, TAU), pitch)?))
    }
}
