//! Resampling of a tilted, slanted or rotated flat detector onto an upright one, before an analytic method.
//!
//! Every pixel of the upright detector takes the value at the point where its ray meets the real detector, interpolated
//! linearly. This changes only the sampling of the rays.

use super::fan::Fan;
use crate::data::{Detector, DetectorShape, Geometry, Orbit, Point, Projections, View, add, norm, scale, sub};
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::borrow::Cow;

/// Resamples the views of an orbit onto an upright flat detector with the same pixels; data of a detector that is
/// upright already, flat or cylindrical, are returned unchanged.
///
/// # Errors
/// A cylindrical detector that is not upright.
pub(super) fn upright<'a>(data: &'a Projections, orbit: &Orbit) -> Result<Cow<'a, Projections>> {
    let geometry = &data.geometry;
    let target: Vec<View> = (0..geometry.views.len()).map(|view| ideal(geometry, orbit, view)).collect();
    let size = norm(sub(target[0].center, orbit.isocenter)) + orbit.source_to_axis.unwrap_or(0.0) + 1.0;
    let near = |a: Point, b: Point, size: f64| norm(sub(a, b)) <= 1e-5 * size;
    let same = |(a, b): (&View, &View)| {
        near(a.center, b.center, size) && near(a.u, b.u, norm(b.u)) && near(a.v, b.v, norm(b.v))
    };
    if target.iter().zip(&geometry.views).all(same) {
        return Ok(Cow::Borrowed(data));
    }
    if geometry.detector.shape == DetectorShape::Cylindrical {
        return Err(Error::config(
            "",
            "needs a cylindrical detector whose rows follow the rotation, and this one is turned",
        )
        .hint("set detector.rotation_deg to 0, or use an iterative method"));
    }
    let geometry = Geometry::new(target, geometry.detector, Some(orbit.clone()))?;
    resampled(data, geometry).map(Cow::Owned)
}

/// The data at the pixels of `geometry`, whose rays are those of the same views.
fn resampled(data: &Projections, geometry: Geometry) -> Result<Projections> {
    let [_, rows, columns] = geometry.shape();
    let mut values = vec![0.0; geometry.samples()];
    values.par_chunks_mut(columns).enumerate().for_each(|(line, values)| {
        let (view, row) = (line / rows, line % rows);
        for (column, value) in values.iter_mut().enumerate() {
            let place = data.geometry.project(view, geometry.pixel(view, row as f64, column as f64));
            *value = place.map_or(0.0, |place| interpolated(data, view, place));
        }
    });
    Projections::from_vec(geometry, values)
}

/// Pads the rows of a shifted detector with zeros on its short side, so that both sides are equally wide (`long_side`
/// is +1 if the long side is +u): after filtering, the rows are not zero where nothing was measured.
///
/// # Errors
/// None for an upright detector on its orbit.
pub(super) fn widened(data: &Projections, orbit: &Orbit, long_side: f64) -> Result<Projections> {
    let mut geometry = data.geometry.clone();
    let columns = geometry.detector.columns;
    let pitch = norm(geometry.views[0].u);
    let added = (2.0 * orbit.offset[1].abs() / pitch).ceil() as usize;
    geometry.detector.columns += added;
    let [v, u] = orbit.offset;
    let orbit = Orbit { offset: [v, u - long_side * added as f64 * pitch / 2.0], ..orbit.clone() };
    let views = (0..geometry.views.len()).map(|view| ideal(&geometry, &orbit, view)).collect();
    let mut values = vec![0.0; geometry.samples()];
    let start = if long_side > 0.0 { added } else { 0 };
    for (wide, row) in values.chunks_mut(columns + added).zip(data.as_slice().chunks(columns)) {
        wide[start..start + columns].copy_from_slice(row);
    }
    Projections::from_vec(Geometry::new(views, geometry.detector, Some(orbit))?, values)
}

/// The view of an upright detector; on a cylinder, a sideways shift moves its centre along the arc.
fn ideal(geometry: &Geometry, orbit: &Orbit, view: usize) -> View {
    let real = &geometry.views[view];
    let (sin, cos) = orbit.angles[view].sin_cos();
    let (outward, across) = ([cos, sin, 0.0], [-sin, cos, 0.0]);
    let fan = Fan::new(geometry, orbit);
    let [along_outward, along_across] = fan.foot(orbit.offset[1]);
    let depth = orbit.source_to_axis.unwrap_or(0.0);
    let behind = if orbit.source_to_axis.is_some() { depth } else { along_parallel(real, orbit, outward) };
    let foot = add(orbit.isocenter, scale(outward, behind));
    let center =
        add(add(foot, scale(outward, along_outward)), add(scale(across, along_across), [0.0, 0.0, orbit.offset[0]]));
    let u = fan.tangent(orbit.offset[1], outward, across);
    View { source: real.source, center, u: scale(u, norm(real.u)), v: [0.0, 0.0, norm(real.v)] }
}

/// Position of a parallel beam's detector along the outward direction, relative to the isocentre, mm.
fn along_parallel(view: &View, orbit: &Orbit, outward: Point) -> f64 {
    crate::data::dot(sub(view.center, orbit.isocenter), outward)
}

/// The value at a fractional (row, column), interpolated linearly; constant from the outermost pixel centres to the
/// edges of the detector, zero beyond.
fn interpolated(data: &Projections, view: usize, (row, column): (f64, f64)) -> f32 {
    let Detector { rows, columns, .. } = data.geometry.detector;
    let side = |x: f64, count: usize| {
        let inside = (-0.5..=count as f64 - 0.5).contains(&x) || count == 1;
        let x = x.clamp(0.0, count as f64 - 1.0);
        let low = (x as usize).min(count.saturating_sub(2));
        inside.then_some((low, (low + 1).min(count - 1), (x - low as f64) as f32))
    };
    let (Some((top, bottom, down)), Some((left, right, over))) = (side(row, rows), side(column, columns)) else {
        return 0.0;
    };
    let values = &data.as_slice()[view * rows * columns..];
    let line = |row: usize| values[row * columns + left] * (1.0 - over) + values[row * columns + right] * over;
    line(top) * (1.0 - down) + line(bottom) * down
}
