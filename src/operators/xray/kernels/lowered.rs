//! The parameters of a scan as plain numbers, in the order of the structures in `device/scan.h`.

use super::pixels::PixelMap;
use super::rays::{ViewRays, is_flat};
use crate::data::{Geometry, Grid, norm};

/// Number of values of a `View`.
pub const NUMBERS: usize = 40;

/// The structure `Scan` for `views` views of a grid: the bits of 8-byte integers and doubles.
#[must_use]
pub fn scan(grid: &Grid, geometry: &Geometry, views: usize) -> Vec<u64> {
    let [_, rows, columns] = geometry.shape();
    let flat = usize::from(is_flat(grid, &geometry.detector));
    let whole = |values: &[usize]| values.iter().map(|&value| value as u64).collect::<Vec<_>>();
    [whole(&grid.shape), grid.spacing.map(f64::to_bits).to_vec(), whole(&[views, rows, columns, flat])].concat()
}

/// Purpose for which the pixel under a voxel is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// Interpolation of its value, in a backprojection.
    Value,
    /// Search for the rays that touch the voxel, in Joseph's adjoint.
    Rays,
}

/// The structures `View` of all views, one after the other, [`NUMBERS`] each.
#[must_use]
pub fn views(grid: &Grid, geometry: &Geometry, pixels: Pixels) -> Vec<f64> {
    let isocenter = geometry.orbit.as_ref().map_or_else(|| grid.center(), |orbit| orbit.isocenter);
    let isocenter = grid.index(isocenter);
    let mut numbers = Vec::with_capacity(geometry.views.len() * NUMBERS);
    for (number, view) in geometry.views.iter().enumerate() {
        let rays = ViewRays::new(grid, view, &geometry.detector);
        let map = PixelMap::new(grid, geometry, number);
        let (angle, ratio) = rays.arc.unwrap_or((0.0, 0.0));
        for vector in [rays.source.unwrap_or_default(), rays.arm, rays.lift, rays.center, rays.u, rays.v] {
            numbers.extend(vector);
        }
        numbers.extend([f64::from(u8::from(rays.source.is_some())), angle, ratio, rays.middle[0], rays.middle[1]]);
        let known = pixels == Pixels::Value || invertible(&rays, geometry.detector.columns);
        for affine in [map.depth, map.across, map.along] {
            numbers.extend(if known { affine } else { [0.0; 4] });
        }
        let depth = map.locate(isocenter).map_or(0.0, |(_, depth)| depth);
        numbers.extend([map.columns_per_radian.unwrap_or(0.0), map.middle[0], map.middle[1], depth]);
        numbers.push(axes(&rays, geometry));
    }
    numbers
}

/// Whether the pixel computed for a point is always that of the ray through the point. If not, the affine functions are
/// set to 0, so that every voxel is treated as possibly touched by any ray.
///
/// Exceptions are a 2-D scan whose detector leans out of the slice, because its rays stay in the slice, and a cylinder
/// whose columns extend beyond a quarter turn.
fn invertible(rays: &ViewRays, columns: usize) -> bool {
    let leans = rays.flat && rays.v[1].abs().max(rays.v[2].abs()) > 1e-9 * norm(rays.u);
    !leans && half_fan(rays, columns) < WIDE
}

/// Limit of half the fan angle, radians: slightly less than a quarter turn.
const WIDE: f64 = 1.5;

/// Half the fan angle of a cylinder, radians; 0 for a flat detector.
fn half_fan(rays: &ViewRays, columns: usize) -> f64 {
    rays.arc.map_or(0.0, |(angle, _)| angle * (columns as f64 - 1.0) / 2.0)
}

/// The axes that can be the main axis of a ray of a view, as the sum of 1, 2 and 4 for z, y and x.
///
/// All ray directions lie in the cone spanned by those of the detector's corners. An axis is excluded if another axis
/// has a larger component, of one sign, in all corner directions: this describes half-spaces, which contain the cone if
/// they contain its edges.
fn axes(rays: &ViewRays, geometry: &Geometry) -> f64 {
    let [_, rows, columns] = geometry.shape();
    let Some(corners) = edges(rays, rows, columns) else { return 7.0 };
    let steeper = |a: usize, b: usize| {
        [1.0, -1.0].iter().any(|sign| corners.iter().all(|corner| sign * corner[a] > corner[b].abs() * (1.0 + 1e-6)))
    };
    let possible = |axis: usize| !(0..3).any(|other| other != axis && steeper(other, axis));
    (0..3).filter(|&axis| possible(axis)).map(|axis| f64::from(1u8 << axis)).sum()
}

/// Directions whose cone contains those of all rays; `None` if no such cone is known.
fn edges(rays: &ViewRays, rows: usize, columns: usize) -> Option<Vec<[f64; 3]>> {
    let corners = |lift: f64| {
        [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)].map(|(row, column)| {
            let ray = rays.ray(row, column).direction;
            let along = row as f64 - rays.middle[0];
            // The component along the cylinder's axis is multiplied by `lift`.
            std::array::from_fn(|k| ray[k] - (1.0 - lift) * (rays.lift[k] + along * rays.v[k]))
        })
    };
    let mut found = corners(1.0).to_vec();
    if rays.arc.is_some() {
        // Between the ends of the arc, directions lie outside the chord, by a factor of at most 1 / cos of half the fan
        // angle.
        let half = half_fan(rays, columns);
        if half >= WIDE {
            return None;
        }
        found.extend(corners(half.cos()));
    }
    Some(found)
}
