//! The part that FBP and FDK share: their configuration keys, the weights of the rays, and the steps from projections
//! to a volume.

use super::fan::Fan;
use super::redundancy::Redundancy;
use super::{Problem, Reconstruction, Setup, helical, rebin};
use crate::data::{AngularSweep, Geometry, Grid, Orbit, Projections, Quantity, Volume, Warning, norm};
use crate::error::{Error, Result};
use crate::geometries::detector::Cylinder;
use crate::operators::xray;
use crate::operators::xray::kernels::filter::{Filter, ramp_rows, ramp_rows_equiangular};
use crate::require;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use tch::Device;

/// The filter of a filtered backprojection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filtering {
    /// Window applied to the ramp filter: ram-lak (none), shepp-logan, cosine, hamming or hann.
    pub filter: Filter,
    /// Highest frequency kept, as a fraction of the detector's Nyquist frequency, above 0 and at most 1.
    pub cutoff: f64,
    /// Negative attenuation is set to zero.
    pub nonnegative: bool,
}

impl Default for Filtering {
    fn default() -> Self {
        Self { filter: Filter::RamLak, cutoff: 1.0, nonnegative: false }
    }
}

impl Filtering {
    pub(super) fn check(&self) -> Result<()> {
        require::share("cutoff", self.cutoff)
    }

    /// Resamples, weights and filters the projections and backprojects them on `device`. `method` is the name used in
    /// warnings.
    pub(super) fn apply(&self, problem: &Problem<'_>, device: Device, method: &str) -> Result<Reconstruction> {
        let (data, grid) = (problem.projections()?, &problem.grid);
        if let (None, Some(circle)) = (&data.geometry.orbit, helical::circle_of(&data.geometry)) {
            return self.apply_helical(data, grid, &circle, device, method);
        }
        let orbit = orbit(&data.geometry)?;
        let data = rebin::upright(data, orbit)?;
        let fan = Fan::new(&data.geometry, orbit);
        let redundancy = Redundancy::of(orbit, &fan, reach(grid, orbit))?;
        let data = match redundancy.long_side() {
            Some(side) => Cow::Owned(rebin::widened(&data, orbit, side)?),
            None => data,
        };
        let geometry = &data.geometry;
        let orbit = geometry.orbit.as_ref().unwrap_or(orbit);
        let fan = Fan::new(geometry, orbit);
        let mut rows = data.as_slice().to_vec();
        weigh(&mut rows, geometry, &fan, &redundancy);
        self.ramp(&mut rows, geometry, &fan);
        let values = xray::backproject(device, grid, geometry, &rows)?;
        Ok(Reconstruction { warnings: redundancy.warning(method).into_iter().collect(), ..self.plain(values, grid)? })
    }

    /// Reconstructs a helix by the approximation of [`helical`].
    fn apply_helical(
        &self,
        data: &Projections,
        grid: &Grid,
        circle: &Orbit,
        device: Device,
        method: &str,
    ) -> Result<Reconstruction> {
        if !helical::level(grid) {
            let problem = "a helix about z needs a grid whose slices are across z";
            return Err(Error::config("", problem).hint("use an iterative method, which takes any grid"));
        }
        let geometry = Geometry { orbit: Some(circle.clone()), ..data.geometry.clone() };
        let fan = Fan::new(&geometry, circle);
        let (steps, weights) = (helical::steps(&circle.angles), helical::row_weights(geometry.detector.rows));
        let [_, height, width] = geometry.shape();
        let mut rows = data.as_slice().to_vec();
        rows.par_chunks_mut(width).enumerate().for_each(|(line, values)| {
            let factor = steps[line / height] * weights[line % height];
            for (column, value) in values.iter_mut().enumerate() {
                *value *= (factor * fan.cosine(line % height, column)) as f32;
            }
        });
        self.ramp(&mut rows, &geometry, &fan);
        let mut values = xray::backproject(device, grid, &geometry, &rows)?;
        helical::normalise(grid, &geometry, &steps, &weights, &mut values);
        let message = format!(
            "{method}: each voxel takes the mean over the views of the helix that see it, which is an approximation"
        );
        Ok(Reconstruction { warnings: vec![Warning::new("helical_fdk", message)], ..self.plain(values, grid)? })
    }

    /// Applies the ramp filter to the weighted detector rows, in place.
    fn ramp(&self, rows: &mut [f32], geometry: &Geometry, fan: &Fan) {
        let pitch = norm(geometry.views[0].u) / fan.magnification;
        let (columns, filter, cutoff) = (geometry.detector.columns, self.filter, self.cutoff);
        match fan.equiangular {
            Some(step) => ramp_rows_equiangular(rows, columns, pitch, step, filter, cutoff),
            None => ramp_rows(rows, columns, pitch, filter, cutoff),
        }
    }

    /// A reconstruction of these voxel values, with negative ones set to zero if `nonnegative` is set.
    fn plain(&self, mut values: Vec<f32>, grid: &Grid) -> Result<Reconstruction> {
        if self.nonnegative {
            for value in &mut values {
                *value = value.max(0.0);
            }
        }
        Ok(Reconstruction::plain(Volume::from_vec(grid.clone(), Quantity::Attenuation, values)?))
    }

    /// Refuses what [`Filtering::apply`] would.
    pub(super) fn check_scan(&self, setup: &Setup<'_>) -> Result<()> {
        self.check()?;
        let (geometry, grid) = (setup.geometry()?, setup.grid);
        if geometry.orbit.is_none() && helical::circle_of(geometry).is_some() {
            return Ok(());
        }
        let orbit = orbit(geometry)?;
        let fan = Fan::new(geometry, orbit);
        Redundancy::of(orbit, &fan, reach(grid, orbit)).map(drop)
    }
}

/// Multiplies each sample by the cosine weight of its pixel, the angular step of its view and the redundancy weight of
/// its ray.
fn weigh(rows: &mut [f32], geometry: &Geometry, fan: &Fan, redundancy: &Redundancy) {
    let [_, height, width] = geometry.shape();
    let AngularSweep { steps, places, .. } = &redundancy.sweep;
    rows.par_chunks_mut(width).enumerate().for_each(|(line, values)| {
        let (view, row) = (line / height, line % height);
        for (column, value) in values.iter_mut().enumerate() {
            let side = fan.places[column];
            *value *= (steps[view] * fan.cosine(row, column) * redundancy.weight(places[view], side)) as f32;
        }
    });
}

/// The circular orbit of the views, which an analytic method needs; an error if the scan has none.
pub(super) fn orbit(geometry: &Geometry) -> Result<&Orbit> {
    geometry.orbit.as_ref().ok_or_else(|| {
        Error::config("", "needs a circular orbit, and this scan only has per-view poses")
            .hint("use an iterative method or a neural field")
    })
}

/// Half extent of the grid seen from the source: a fan angle in radians, or a distance from the axis in mm for a
/// parallel beam.
fn reach(grid: &Grid, orbit: &Orbit) -> f64 {
    let radius = Cylinder::around(grid, orbit.isocenter).radius;
    orbit.source_to_axis.map_or(radius, |axis| (radius / axis).min(1.0).asin())
}
