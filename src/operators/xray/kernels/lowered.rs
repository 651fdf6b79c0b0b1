//! A scan as plain numbers, in the order in which `device/scan.h` reads them.

use super::pixels::PixelMap;
use super::rays::{ViewRays, is_flat};
use crate::data::{Geometry, Grid, norm};

/// Numbers of a view.
pub const NUMBERS: usize = 40;

/// The structure `Scan` for `views` views of a grid: 8-byte whole numbers and doubles, as their bits.
#[must_use]
pub fn scan(grid: &Grid, geometry: &Geometry, views: usize) -> Vec<u64> {
    let [_, rows, columns] = geometry.shape();
    let flat = usize::from(is_flat(grid, &geometry.detector));
    let whole = |values: &[usize]| values.iter().map(|&value| value as u64).collect::<Vec<_>>();
    [whole(&grid.shape), grid.spacing.map(f64::to_bits).to_vec(), whole(&[views, rows, columns, flat])].concat()
}

/// What the pixel under a voxel is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// To backproject to the voxel.
    Value,
    /// To find the rays that touch the voxel.
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

/// Whether the pixel under a point is that of the ray through it; where it is not, no voxel counts as before the
/// source, which means that any ray may touch it.
///
/// The rays of a slice stay in it, also those of a detector that leans out of it; the columns of a cylinder go on
/// beyond a quarter turn.
fn invertible(rays: &ViewRays, columns: usize) -> bool {
    let leans = rays.flat && rays.v[1].abs().max(rays.v[2].abs()) > 1e-9 * norm(rays.u);
    !leans && half_fan(rays, columns) < WIDE
}

/// A little less than a quarter turn, radians.
const WIDE: f64 = 1.5;

/// Half the fan angle of a cylinder, radians; 0 for a flat detector.
fn half_fan(rays: &ViewRays, columns: usize) -> f64 {
    rays.arc.map_or(0.0, |(angle, _)| angle * (columns as f64 - 1.0) / 2.0)
}

/// The axes that can be the main axis of a ray of a view, as the sum of 1, 2 and 4 for z, y and x.
///
/// All directions lie in the cone of those of the detector's corners; an axis is left out where one other is steeper,
/// with one sign, at all of them: a half-space that a cone stays in if its edges do.
fn axes(rays: &ViewRays, geometry: &Geometry) -> f64 {
    let [_, rows, columns] = geometry.shape();
    let Some(corners) = edges(rays, rows, columns) else { return 7.0 };
    let steeper = |a: usize, b: usize| {
        [1.0, -1.0].iter().any(|sign| corners.iter().all(|corner| sign * corner[a] > corner[b].abs() * (1.0 + 1e-6)))
    };
    let possible = |axis: usize| !(0..3).any(|other| other != axis && steeper(other, axis));
    (0..3).filter(|&axis| possible(axis)).map(|axis| f64::from(1u8 << axis)).sum()
}

/// Directions whose cone holds those of all rays; `None` where no such cone is known.
fn edges(rays: &ViewRays, rows: usize, columns: usize) -> Option<Vec<[f64; 3]>> {
    let corners = |lift: f64| {
        [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)].map(|(row, column)| {
            let ray = rays.ray(row, column).direction;
            let along = row as f64 - rays.middle[0];
            // What lies along a cylinder's axis, lowered to `lift` of itself.
            std::array::from_fn(|k| ray[k] - (1.0 - lift) * (rays.lift[k] + along * rays.v[k]))
        })
    };
    let mut found = corners(1.0).to_vec();
    if rays.arc.is_some() {
        // Between the ends of an arc the directions bulge outwards, by 1 / cos of half the angle at most.
        let half = half_fan(rays, columns);
        if half >= WIDE {
            return None;
        }
        found.extend(corners(half.cos()));
    }
    Some(found)
}
