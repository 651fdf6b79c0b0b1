//! Voxel-driven backprojection of filtered projections, for analytic reconstruction.
//!
//! Every voxel sums the filtered value at its position on the detector over the views, interpolated linearly between
//! pixels (towards zero outside the outermost ones). If all voxels of a line along one array axis fall on the same
//! detector column, as on a circular or helical orbit about z, sixteen of them are processed at once.
//!
//! The sums do not include the angular step: multiply them by π / views for a scan over a half or a full turn.
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use super::crossing::{Crossing, LONGEST};
use super::lines::{Lines, Planes, others};
use super::pixels::{Affine, PixelMap};
use super::pull::{Samples, fits, pull};
use super::simd::{Kernel, LANES, Level, Simd, dispatch, level, sixteen_mut};
use crate::data::{Geometry, Grid};
use rayon::prelude::*;

/// Backprojects cone- or fan-beam projections `[view, row, column]` to a volume `[z, y, x]` (overwritten), each view
/// weighted by (source to isocentre / source to voxel)². Distances are measured along the detector's normal (FDK); for
/// a cylindrical detector they are those from its axis. The isocentre is that of the orbit, else the centre of the
/// grid.
///
/// # Panics
/// If the length of a slice does not match the grid or the geometry.
pub fn fdk(grid: &Grid, geometry: &Geometry, filtered: &[f32], volume: &mut [f32]) {
    backproject(level(), grid, geometry, filtered, volume);
}

/// Backprojects parallel projections `[view, row, column]` to a volume `[z, y, x]` (overwritten).
///
/// # Panics
/// As [`fdk`].
pub fn parallel(grid: &Grid, geometry: &Geometry, filtered: &[f32], volume: &mut [f32]) {
    backproject(level(), grid, geometry, filtered, volume);
}

/// [`fdk`] and [`parallel`] with the instructions of one level, for tests and benchmarks.
///
/// # Panics
/// As [`fdk`].
pub fn backproject(level: Level, grid: &Grid, geometry: &Geometry, filtered: &[f32], volume: &mut [f32]) {
    assert_eq!(volume.len(), grid.voxels(), "one value per voxel");
    assert_eq!(filtered.len(), geometry.samples(), "one value per sample");
    let center = geometry.orbit.as_ref().map_or_else(|| grid.center(), |orbit| orbit.isocenter);
    let isocenter = grid.index(center);
    let views: Vec<(PixelMap, f64)> = (0..geometry.views.len())
        .map(|view| {
            let map = PixelMap::new(grid, geometry, view);
            let depth = map.locate(isocenter).map_or(0.0, |(_, depth)| depth);
            (map, depth)
        })
        .collect();
    let shared = if views[0].0.flat {
        views.iter().all(|(map, _)| map.depth == [0.0, 0.0, 0.0, 1.0]).then_some(2)
    } else {
        (0..3).find(|&axis| views.iter().all(|(map, _)| map.shares_columns(axis, grid.shape)))
    }
    .filter(|&axis| views.iter().all(|(map, _)| map.steps_along(axis, grid.shape) <= LONGEST));
    match shared {
        Some(axis) => along_lines(level, &Job { views: &views, grid, axis }, &geometry.shape(), filtered, volume),
        None => one_by_one(level, &views, grid, filtered, volume),
    }
}

/// The input of [`along_lines`], for lines of voxels along `axis`.
struct Job<'a> {
    /// Each view with the depth of the isocentre.
    views: &'a [(PixelMap, f64)],
    grid: &'a Grid,
    axis: usize,
}

/// Number of views per block, whose columns stay in the cache while the lines of a task are processed.
const VIEWS: usize = 16;

/// Number of planes (outer indices) per task.
const TASK: usize = 8;

fn along_lines(level: Level, job: &Job, samples: &[usize; 3], filtered: &[f32], volume: &mut [f32]) {
    // Lines along the detector rows' index (one per column), or in 2-D along the columns' index.
    let across = if job.views[0].0.flat { 2 } else { 1 };
    let lines = &Lines::along(across, *samples, filtered);
    let shape = job.grid.shape;
    let [outer, _] = others(job.axis);
    let mut sums = Planes::new(outer, job.axis, shape);
    let (plane, width) = (sums.plane, sums.length);
    sums.values.par_chunks_mut(TASK * plane).enumerate().for_each(|(task, sums)| {
        dispatch(level, Slab { job, lines, first: task * TASK, plane, width, sums });
    });
    volume.fill(0.0);
    sums.add_to(volume);
}

/// The planes of voxel lines of one task.
struct Slab<'a> {
    job: &'a Job<'a>,
    lines: &'a Lines,
    /// Index of the first plane.
    first: usize,
    /// Numbers of values in a plane and in a line.
    plane: usize,
    width: usize,
    sums: &'a mut [f32],
}

impl Kernel for Slab<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { job, lines, first, plane, width, sums } = self;
        let mut crossings = [Crossing::default(); VIEWS];
        let mut samples = [Samples::default(); VIEWS];
        for (block, views) in job.views.chunks(VIEWS).enumerate() {
            for (outer, sums) in sums.chunks_exact_mut(plane).enumerate() {
                let mut tracks = [Track::default(); VIEWS];
                for ((track, view), entry) in tracks.iter_mut().zip(block * VIEWS..).zip(views) {
                    *track = Track::new(job.axis, entry, view * lines.strides[0], first + outer);
                }
                for (inner, sums) in sums.chunks_exact_mut(width).enumerate() {
                    for (crossing, track) in crossings.iter_mut().zip(&tracks[..views.len()]) {
                        *crossing = track.crossing(inner as f64, lines);
                    }
                    let crossings = &crossings[..views.len()];
                    let fits = crossings.iter().all(|crossing| fits(crossing.step));
                    for (samples, crossing) in samples.iter_mut().zip(crossings) {
                        *samples = Samples::new(crossing, fits);
                    }
                    if fits {
                        add_line::<S, true>(s, lines, &samples[..views.len()], sums);
                    } else {
                        add_line::<S, false>(s, lines, &samples[..views.len()], sums);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add_line<S: Simd, const FITS: bool>(s: S, lines: &Lines, samples: &[Samples], sums: &mut [f32]) {
    for (vector, sums) in sums.chunks_exact_mut(LANES).enumerate() {
        let sums = sixteen_mut(sums, 0);
        s.store(s.add(s.load(sums), pull::<S, FITS>(s, lines, samples, vector)), sums);
    }
}

/// Position on the detector of the voxel lines of one plane in one view; affine functions as (constant, slope per inner
/// index).
#[derive(Debug, Clone, Copy, Default)]
struct Track {
    depth: (f64, f64),
    across: (f64, f64),
    along: (f64, f64),
    /// Change of `along` (of `across` in two dimensions) from voxel to voxel of a line.
    step: f64,
    isocenter: f64,
    middle: [f64; 2],
    columns_per_radian: Option<f64>,
    flat: bool,
    /// Index of the view's first value in the lines.
    start: usize,
}

impl Track {
    fn new(axis: usize, (map, isocenter): &(PixelMap, f64), start: usize, place: usize) -> Self {
        let [outer, inner] = others(axis);
        let part = |f: &Affine| (f[3] + f[outer] * place as f64, f[inner]);
        Self {
            depth: part(&map.depth),
            across: part(&map.across),
            along: part(&map.along),
            step: if map.flat { map.across[axis] } else { map.along[axis] },
            isocenter: *isocenter,
            middle: map.middle,
            columns_per_radian: map.columns_per_radian,
            flat: map.flat,
            start,
        }
    }

    /// The detector positions of a line of voxels, as samples between two columns of the view.
    #[inline(always)]
    fn crossing(&self, inner: f64, lines: &Lines) -> Crossing {
        let [depth, across, along] =
            [self.depth, self.across, self.along].map(|(constant, slope)| constant + slope * inner);
        if self.flat {
            return Crossing {
                line: [self.start; 2],
                weight: [1.0, 0.0],
                first: across + self.middle[1],
                step: self.step,
            };
        }
        let (depth, column) = match self.columns_per_radian {
            None => (depth, None),
            Some(per_radian) => (depth.hypot(across), Some((across / depth).atan() * per_radian)),
        };
        let inverse = 1.0 / depth;
        let column = column.unwrap_or(across * inverse) + self.middle[1];
        let weight = (self.isocenter * inverse * (self.isocenter * inverse)) as f32;
        let below = column.floor();
        let (fraction, below, count) = ((column - below) as f32, below as i64, lines.shape[2] as i64);
        let line_of = |i: i64| self.start + i.clamp(0, count - 1) as usize * lines.strides[2];
        let inside = |i: i64, part: f32| if (0..count).contains(&i) { part * weight } else { 0.0 };
        Crossing {
            line: [line_of(below), line_of(below + 1)],
            weight: [inside(below, 1.0 - fraction), inside(below + 1, fraction)],
            first: along * inverse + self.middle[0],
            step: self.step * inverse,
        }
    }
}

/// Backprojects any view to any grid, one voxel at a time.
fn one_by_one(level: Level, views: &[(PixelMap, f64)], grid: &Grid, filtered: &[f32], volume: &mut [f32]) {
    let [_, ny, nx] = grid.shape;
    volume.par_chunks_mut(nx).enumerate().for_each(|(line, voxels)| {
        dispatch(level, Single { views, start: [(line / ny) as f64, (line % ny) as f64, 0.0], filtered, voxels });
    });
}

/// A line of voxels along x.
struct Single<'a> {
    views: &'a [(PixelMap, f64)],
    start: [f64; 3],
    filtered: &'a [f32],
    voxels: &'a mut [f32],
}

impl Kernel for Single<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.voxels.fill(0.0);
        for (view, (map, isocenter)) in self.views.iter().enumerate() {
            let pixels = map.pixels[0] * map.pixels[1];
            let values = &self.filtered[view * pixels..(view + 1) * pixels];
            for (x, voxel) in self.voxels.iter_mut().enumerate() {
                if let Some((place, depth)) = map.locate([self.start[0], self.start[1], x as f64]) {
                    let weight = isocenter / depth;
                    *voxel += (weight * weight) as f32 * interpolated(values, map.pixels, place);
                }
            }
        }
    }
}

#[inline(always)]
fn interpolated(values: &[f32], [rows, columns]: [usize; 2], [row, column]: [f64; 2]) -> f32 {
    if !(row > -1.0 && row < rows as f64 && column > -1.0 && column < columns as f64) {
        return 0.0;
    }
    let sides = |at: f64, count: usize| {
        let below = at.floor();
        let (fraction, below) = ((at - below) as f32, below as i64);
        let low = if below < 0 { 0.0 } else { 1.0 - fraction };
        let high = if below + 1 < count as i64 { fraction } else { 0.0 };
        ((below.max(0) as usize, low), ((below + 1).min(count as i64 - 1) as usize, high))
    };
    let ((top, a), (bottom, b)) = sides(row, rows);
    let ((left, c), (right, d)) = sides(column, columns);
    let (top, bottom) = (&values[top * columns..][..columns], &values[bottom * columns..][..columns]);
    a * (c * top[left] + d * top[right]) + b * (c * bottom[left] + d * bottom[right])
}

#[cfg(test)]
mod tests {
    use super::super::filter::{Filter, cosine_weights, ramp_rows};
    use super::*;
    use crate::data::{Detector, DetectorShape, Source, View, norm};
    use std::f64::consts::{PI, TAU};

    const RADIUS: f64 = 200.0;

    /// Views about the z axis from sources at [`RADIUS`], detector twice as far, pitch as seen at the axis.
    fn cone(views: usize, [rows, columns]: [usize; 2], pitch: f64, tilt: f64) -> Geometry {
        scan(views, [rows, columns], TAU, |s, c| {
            let (b, a) = tilt.sin_cos();
            let v = [-2.0 * pitch * b * c, -2.0 * pitch * b * s, 2.0 * pitch * a];
            (Source::Point([RADIUS * c, RADIUS * s, 0.0]), [-RADIUS * c, -RADIUS * s, 0.0], 2.0 * pitch, v)
        })
    }

    fn beam(views: usize, [rows, columns]: [usize; 2], pitch: f64) -> Geometry {
        scan(views, [rows, columns], PI, |s, c| {
            (Source::Direction([-c, -s, 0.0]), [-90.0 * c, -90.0 * s, 0.0], pitch, [0.0, 0.0, pitch])
        })
    }

    type Exposure = (Source, [f64; 3], f64, [f64; 3]);

    fn scan(views: usize, [rows, columns]: [usize; 2], arc: f64, exposure: impl Fn(f64, f64) -> Exposure) -> Geometry {
        let views = (0..views).map(|i| {
            let (s, c) = (arc * i as f64 / views as f64).sin_cos();
            let (source, center, pitch, v) = exposure(s, c);
            View { source, center, u: [-s * pitch, c * pitch, 0.0], v }
        });
        Geometry::new(views.collect(), Detector { rows, columns, shape: DetectorShape::Flat }, None).unwrap()
    }

    /// Length of a ray in the upright cylinder x² + y² < 30² (mm).
    fn chord(geometry: &Geometry, sample: usize) -> f32 {
        let [_, rows, columns] = geometry.shape();
        let (o, d) =
            geometry.ray(sample / (rows * columns), (sample / columns % rows) as f64, (sample % columns) as f64);
        let (a, b, c) = (d[0] * d[0] + d[1] * d[1], o[0] * d[0] + o[1] * d[1], o[0] * o[0] + o[1] * o[1] - 900.0);
        (2.0 * (b * b - a * c).max(0.0).sqrt() / a) as f32
    }

    /// The mean and the largest deviation from 1 within 80% of the cylinder's radius.
    fn reconstruct(grid: &Grid, geometry: &Geometry, pitch: f64) -> (f64, f64) {
        let mut data: Vec<f32> = (0..geometry.samples()).map(|i| chord(geometry, i)).collect();
        cosine_weights(geometry, &mut data);
        ramp_rows(&mut data, geometry.detector.columns, pitch, Filter::RamLak, 1.0);
        let mut volume = vec![f32::NAN; grid.voxels()];
        fdk(grid, geometry, &data, &mut volume);
        let [_, ny, nx] = grid.shape;
        let inner = volume.iter().enumerate().filter(|(i, _)| {
            let p = grid.point([(i / (ny * nx)) as f64, (i / nx % ny) as f64, (i % nx) as f64]);
            norm([p[0], p[1], 0.0]) < 24.0
        });
        let values: Vec<f64> = inner.map(|(_, &v)| f64::from(v) * PI / geometry.views.len() as f64).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - 1.0).abs()).fold(0.0, f64::max))
    }

    #[test]
    fn a_constant_cylinder_gets_its_value() {
        let slice = Grid::centered([1, 64, 64], [1.0; 3], [0.0; 3]).unwrap();
        let box_of = Grid::centered([9, 64, 64], [1.0; 3], [0.0; 3]).unwrap();
        for (name, grid, geometry) in [
            ("2-D parallel", &slice, beam(360, [1, 160], 0.5)),
            ("2-D fan", &slice, cone(720, [1, 200], 0.5, 0.0)),
            ("3-D parallel", &box_of, beam(360, [30, 160], 0.5)),
            ("cone", &box_of, cone(720, [40, 200], 0.5, 0.0)),
        ] {
            let (mean, worst) = reconstruct(grid, &geometry, 0.5);
            assert!((mean - 1.0).abs() < 0.002 && worst < 0.01, "{name}: mean {mean}, worst deviation {worst}");
        }
    }

    #[test]
    fn every_level_gives_what_single_voxels_give() {
        let wave = |n: usize| (0..n).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<f32>>();
        let turned =
            Grid::new([20, 15, 17], [1.0; 3], [-7.0, -9.0, -8.0], [[0.0, 0.0, 1.0], [-0.6, 0.8, 0.0], [0.8, 0.6, 0.0]])
                .unwrap();
        let slice = Grid::centered([1, 33, 37], [1.0; 3], [0.5, 1.0, 2.0]).unwrap();
        let mut cylinder = cone(9, [20, 24], 1.0, 0.0);
        cylinder.detector.shape = DetectorShape::Cylindrical;
        for (name, grid, geometry) in [
            ("cone", &turned, cone(19, [20, 24], 1.0, 0.0)),
            ("cone, fine", &turned, cone(9, [60, 24], 0.3, 0.0)),
            ("cone, very fine", &turned, cone(2, [900, 24], 0.02, 0.0)),
            ("cone, too fine for lanes", &turned, cone(2, [900, 24], 0.01, 0.0)),
            ("cone, coarse", &turned, cone(9, [3, 4], 9.0, 0.0)),
            ("tilted detector", &turned, cone(9, [20, 24], 1.0, 0.1)),
            ("cylindrical", &turned, cylinder),
            ("parallel", &turned, beam(9, [20, 24], 1.0)),
            ("2-D parallel", &slice, beam(18, [1, 40], 1.0)),
            ("2-D fan", &slice, cone(9, [1, 40], 1.0, 0.0)),
        ] {
            let data = wave(geometry.samples());
            let center = grid.index(grid.center());
            let map = |view| PixelMap::new(grid, &geometry, view);
            let views: Vec<(PixelMap, f64)> =
                (0..geometry.views.len()).map(|view| (map(view), map(view).locate(center).unwrap().1)).collect();
            let mut expected = vec![f32::NAN; grid.voxels()];
            one_by_one(Level::Portable, &views, grid, &data, &mut expected);
            assert!(expected.iter().any(|v| v.abs() > 0.1), "{name}");
            for level in Level::ALL.into_iter().filter(|level| level.available()) {
                let mut found = vec![f32::NAN; grid.voxels()];
                backproject(level, grid, &geometry, &data, &mut found);
                let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 2e-4, "{name}, {}: {worst}", level.name());
            }
        }
    }
}
