//! The support of a reconstruction: the voxels that may contain material; all others stay 0 (air).

use crate::algorithms::Problem;
use crate::data::Grid;
use crate::error::Result;
use crate::operators::xray::kernels::support::seen_support;
use crate::tensors::from_slice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// Line integrals below this count as rays through air only (unitless; allows for noise).
const AIR: f32 = 0.02;

/// Support of the volume: where it may differ from air.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mask {
    /// No mask: every voxel may contain material.
    #[default]
    None,
    /// Largest cylinder within the grid whose axis is the grid's slice axis.
    Cylinder,
    /// Voxels that no view shows to be air: a voxel is left out if, in some view, its whole footprint on the detector
    /// has line integrals below 0.02.
    Projections,
}

impl Mask {
    /// The mask `[z, y, x]`: 1 at voxels of the support, 0 elsewhere; `None` if there is no mask.
    pub(super) fn build(self, problem: &Problem<'_>, device: Device) -> Result<Option<Tensor>> {
        let grid = &problem.grid;
        let inside = match self {
            Self::None => return Ok(None),
            Self::Cylinder => cylinder(grid),
            Self::Projections => {
                let data = problem.projections().map_err(|error| error.under("mask"))?;
                seen_support(grid, &data.geometry, data.as_slice(), AIR)
            }
        };
        let values: Vec<f32> = inside.into_iter().map(|inside| if inside { 1.0 } else { 0.0 }).collect();
        from_slice(&values, &grid.shape, device).map(Some)
    }
}

/// Voxels whose centre is within the largest cylinder along the grid's first axis.
fn cylinder(grid: &Grid) -> Vec<bool> {
    let [_, ny, nx] = grid.shape;
    let [_, height, width] = grid.extent();
    let radius = height.min(width) / 2.0;
    let from_axis = |i: usize, n: usize, spacing: f64| (i as f64 - (n as f64 - 1.0) / 2.0) * spacing;
    let inside =
        |i: usize| from_axis(i / nx % ny, ny, grid.spacing[1]).hypot(from_axis(i % nx, nx, grid.spacing[2])) <= radius;
    (0..grid.voxels()).map(inside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cylinder_touches_the_nearer_faces_and_is_the_same_in_every_slice() {
        let grid = Grid::centered([3, 40, 30], [5.0, 1.0, 1.0], [9.0, 8.0, 7.0]).unwrap();
        let inside = cylinder(&grid);
        let area = inside[..1200].iter().filter(|&&inside| inside).count() as f64;
        assert!((area / (std::f64::consts::PI * 225.0) - 1.0).abs() < 0.02, "{area}");
        assert!(inside[20 * 30] && !inside[0] && inside[..1200] == inside[1200..2400]);
    }
}
