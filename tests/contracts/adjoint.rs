//! Tests of the Joseph kernels: the adjoint is the transpose up to rounding, the bits do not depend on the number of
//! threads, and the results agree with the definition of the method in f64 and with exact integrals.

use crate::common::scans::{cone, distance, noise, parallel, product, setups, with_threads};
use recon::data::{Detector, DetectorShape, Geometry, Grid, Point, Source, View, dot, norm, sub};
use recon::operators::xray::kernels::joseph;
use recon::operators::xray::kernels::simd::Level;

fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.available())
}

fn forward(level: Level, grid: &Grid, geometry: &Geometry, volume: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; geometry.samples()];
    joseph::forward_at(level, grid, &geometry.views, &geometry.detector, volume, &mut out);
    out
}

fn adjoint(level: Level, grid: &Grid, geometry: &Geometry, projections: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; grid.voxels()];
    joseph::adjoint_at(level, grid, &geometry.views, &geometry.detector, projections, &mut out);
    out
}

/// Projects by the definition of Joseph's method (1982), one ray at a time in f64.
fn reference(grid: &Grid, geometry: &Geometry, volume: &[f32]) -> Vec<f32> {
    let flat = grid.is_2d() && geometry.detector.rows == 1;
    let [views, rows, columns] = geometry.shape();
    let rays = (0..views).flat_map(|i| (0..rows).flat_map(move |r| (0..columns).map(move |c| (i, r as f64, c as f64))));
    rays.map(|(i, row, column)| {
        let (start, direction) = geometry.ray(i, row, column);
        let from = grid.index(start);
        let mut step: Point = std::array::from_fn(|k| dot(direction, grid.axes[k]) / grid.spacing[k]);
        if flat {
            step[0] = 0.0;
        }
        let axes: &[usize] = if flat { &[2, 1] } else { &[2, 1, 0] };
        let main = axes
            .iter()
            .copied()
            .reduce(|a, b| if step[b].abs() > step[a].abs() * (1.0 + 1e-9) { b } else { a })
            .unwrap();
        let length = norm(std::array::from_fn(|k| step[k] / step[main] * grid.spacing[k]));
        let mut sum = 0.0;
        for k in 0..grid.shape[main] {
            let t = (k as f64 - from[main]) / step[main];
            if t <= 0.0 && matches!(geometry.views[i].source, Source::Point(_)) {
                continue;
            }
            let mut at: Point = std::array::from_fn(|axis| from[axis] + t * step[axis]);
            at[main] = k as f64;
            if flat {
                at[0] = 0.0;
            }
            sum += interpolated(grid.shape, volume, at);
        }
        (sum * length) as f32
    })
    .collect()
}

fn interpolated(shape: [usize; 3], volume: &[f32], at: Point) -> f64 {
    let mut sum = 0.0;
    for corner in 0..8 {
        let voxel: [f64; 3] = std::array::from_fn(|k| at[k].floor() + f64::from((corner >> k) & 1));
        let weight: f64 = (0..3).map(|k| 1.0 - (at[k] - voxel[k]).abs()).product();
        if weight > 0.0 && (0..3).all(|k| voxel[k] >= 0.0 && voxel[k] < shape[k] as f64) {
            let [z, y, x] = voxel.map(|i| i as usize);
            sum += weight * f64::from(volume[(z * shape[1] + y) * shape[2] + x]);
        }
    }
    sum
}

#[test]
fn the_adjoint_is_the_transpose_of_the_forward_projection() {
    for (name, grid, geometry) in setups() {
        let (x, y) = (noise(grid.voxels(), 1), noise(geometry.samples(), 2));
        for level in levels() {
            for threads in [1, 2, 3] {
                let (ax, aty) = with_threads(threads, || {
                    (forward(level, &grid, &geometry, &x), adjoint(level, &grid, &geometry, &y))
                });
                let gap = (product(&ax, &y) - product(&x, &aty)).abs() / (product(&ax, &ax) * product(&y, &y)).sqrt();
                assert!(
                    product(&ax, &ax) > 0.0 && gap <= 1e-5,
                    "{name}, {}, {threads} threads: gap {gap:e}",
                    level.name()
                );
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for (name, grid, geometry) in setups() {
        let (x, y) = (noise(grid.voxels(), 3), noise(geometry.samples(), 4));
        for level in levels() {
            let both = |threads| {
                with_threads(threads, || (forward(level, &grid, &geometry, &x), adjoint(level, &grid, &geometry, &y)))
            };
            let one = both(1);
            assert!(one == both(2) && one == both(3), "{name}, {}", level.name());
        }
    }
}

#[test]
fn every_level_follows_the_definition() {
    for (name, grid, geometry) in setups() {
        let x = noise(grid.voxels(), 5);
        let expected = reference(&grid, &geometry, &x);
        for level in levels() {
            let gap = distance(&forward(level, &grid, &geometry, &x), &expected);
            assert!(gap <= 1e-5, "{name}, {}: {gap:e}", level.name());
        }
    }
}

#[test]
fn a_voxel_of_the_adjoint_is_the_forward_projection_of_that_voxel() {
    for (name, grid, geometry) in setups() {
        let y = noise(geometry.samples(), 6);
        let aty = adjoint(Level::Portable, &grid, &geometry, &y);
        let [nz, ny, nx] = grid.shape;
        for voxel in [0, grid.voxels() - 1, ((nz / 2) * ny + ny / 3) * nx + nx / 2, ((nz / 3) * ny + ny - 1) * nx] {
            let mut x = vec![0.0; grid.voxels()];
            x[voxel] = 1.0;
            let column = reference(&grid, &geometry, &x);
            let expected = product(&column, &y);
            let size = (product(&column, &column) * product(&y, &y)).sqrt().max(1e-3);
            assert!(
                (f64::from(aty[voxel]) - expected).abs() <= 1e-5 * size,
                "{name}, voxel {voxel}: {} for {expected}",
                aty[voxel]
            );
        }
    }
}

#[test]
fn a_beam_along_the_normal_of_a_slice_gives_zeros_and_a_source_above_it_the_rays_in_it() {
    let grid = Grid::centered([1, 5, 6], [1.0; 3], [0.0; 3]).unwrap();
    let detector = Detector { rows: 1, columns: 4, shape: DetectorShape::Flat };
    for source in [Source::Direction([0.0, 0.0, 1.0]), Source::Point([0.0, 0.0, -9.0])] {
        let view = View { source, center: [0.0, 0.0, 9.0], u: [0.0, 1.0, 0.0], v: [1.0, 0.0, 0.0] };
        let geometry = Geometry::new(vec![view], detector, None).unwrap();
        for level in levels() {
            let (x, y) = (noise(30, 1), noise(4, 1));
            let (ax, aty) = (forward(level, &grid, &geometry, &x), adjoint(level, &grid, &geometry, &y));
            if matches!(source, Source::Direction(_)) {
                assert!(ax.iter().chain(&aty).all(|&v| v == 0.0), "{}: {ax:?} {aty:?}", level.name());
                continue;
            }
            // The source lies above the centre of the slice: in the slice its rays run from there along y.
            let size = product(&ax, &ax).sqrt();
            assert!(size > 0.0 && distance(&ax, &reference(&grid, &geometry, &x)) <= 1e-5, "{}", level.name());
            let gap = (product(&ax, &y) - product(&x, &aty)).abs();
            assert!(gap <= 1e-5 * size * product(&y, &y).sqrt(), "{}: gap {gap}", level.name());
        }
    }
}

/// Returns a random scan that no scanner makes: sources near, far and inside the grid, pixels of any size and angle,
/// grids down to one voxel. `None` if the random numbers give no valid scan.
pub(crate) fn odd_setup(seed: u64) -> Option<(Grid, Geometry)> {
    let numbers = noise(64, seed + 100);
    let mut next = numbers.iter().map(|&x| f64::from(x));
    let mut number = move || next.next().unwrap();
    let mut count = |most: f64| 1 + (number().abs() * most) as usize;
    let (shape, rows, columns) = ([count(9.0), count(9.0), count(9.0)], count(20.0), count(20.0));
    let mut exponent = || 10f64.powf(number() * 1.5);
    let spacing = [exponent(), exponent(), exponent()];
    let (u, v, far) = (exponent(), exponent(), 10.0 * exponent() * exponent());
    let flat = shape[0] == 1;
    let grid = Grid::centered(shape, spacing, [number(), number(), number()]).ok()?;
    let (s, c) = (7.0 * number()).sin_cos();
    // In half of the scans the columns of the detector run along z.
    let (tilt, level) = if number() > 0.0 { (0.3 * number(), 0.3 * number()) } else { (0.0, 0.0) };
    let level = if flat { 0.0 } else { level };
    let source = if number() > 0.0 {
        Source::Point([far * c, far * s, far * level])
    } else {
        Source::Direction([-c, -s, -level])
    };
    let center = [-0.7 * far * c + number(), -0.7 * far * s + number(), 0.0];
    let view = View { source, center, u: [-s * u, c * u, tilt * u], v: [tilt * v, 0.0, v] };
    let shape = if number() > 0.0 { DetectorShape::Flat } else { DetectorShape::Cylindrical };
    let views = vec![view; 2];
    Geometry::new(views, Detector { rows: if flat { 1 } else { rows }, columns, shape }, None)
        .ok()
        .map(|geometry| (grid, geometry))
}

#[test]
fn odd_scans_are_projected_alike_at_every_level() {
    let mut hit = 0;
    for seed in 0..1000 {
        let Some((grid, geometry)) = odd_setup(seed) else { continue };
        let (x, y) = (noise(grid.voxels(), 8), noise(geometry.samples(), 9));
        let expected = reference(&grid, &geometry, &x);
        // The weights of rays that graze the edge of the grid are as small as their rounding errors, so that errors are
        // taken relative to a tenth of a voxel at least.
        let size = product(&expected, &expected).sqrt();
        let size = if size > 0.0 { size.max(0.1 * grid.spacing.iter().copied().fold(0.0, f64::max)) } else { size };
        hit += usize::from(size > 0.0);
        for level in levels() {
            let found = forward(level, &grid, &geometry, &x);
            let error = found.iter().zip(&expected).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
            assert!(error <= 3e-5 * size, "{seed}, {}: {error} of {size}, {grid:?} {geometry:?}", level.name());
            let gap = (product(&found, &y) - product(&x, &adjoint(level, &grid, &geometry, &y))).abs();
            assert!(
                gap <= 1e-5 * size * product(&y, &y).sqrt(),
                "{seed}, {}: gap {gap}, {grid:?} {geometry:?}",
                level.name()
            );
        }
    }
    assert!(hit > 300, "only {hit} setups have rays that meet the grid");
}

#[test]
fn a_subset_of_views_gives_its_part() {
    for (name, grid, geometry) in setups() {
        let x = noise(grid.voxels(), 7);
        let all = forward(Level::Portable, &grid, &geometry, &x);
        let part = geometry.subset(&[3, 1]).unwrap();
        let found = forward(Level::Portable, &grid, &part, &x);
        let pixels = geometry.detector.rows * geometry.detector.columns;
        assert!(found[..pixels] == all[3 * pixels..4 * pixels] && found[pixels..] == all[pixels..2 * pixels], "{name}");
    }
}

#[test]
fn a_box_of_one_value_is_integrated_exactly() {
    // A ray that enters and leaves through the faces across its main axis crosses every plane of voxels. Its integral
    // is the number of planes times the length per plane.
    for (grid, geometry) in [
        (
            Grid::centered([40, 30, 50], [1.0, 2.0, 1.5], [0.0; 3]).unwrap(),
            cone(12, [5, 6], [2.0, 2.0], [0.0; 2], 400.0),
        ),
        (Grid::centered([40, 30, 50], [1.0, 2.0, 1.5], [0.0; 3]).unwrap(), parallel(12, [6, 5], [3.0, 2.0])),
        (Grid::centered([1, 60, 60], [1.0; 3], [0.0; 3]).unwrap(), parallel(12, [1, 9], [1.0, 1.0])),
        (Grid::centered([1, 60, 60], [1.0; 3], [0.0; 3]).unwrap(), cone(12, [1, 9], [1.0, 1.0], [0.0; 2], 200.0)),
    ] {
        for level in levels() {
            hold_to_the_chords(level, &grid, &geometry);
        }
    }
}

/// Compares the projections of a box of one value with the lengths of the rays in it.
fn hold_to_the_chords(level: Level, grid: &Grid, geometry: &Geometry) {
    let found = forward(level, grid, geometry, &vec![0.02; grid.voxels()]);
    let [_, rows, columns] = geometry.shape();
    let mut exact = 0;
    for (i, &value) in found.iter().enumerate() {
        let (start, direction) = geometry.ray(i / (rows * columns), (i / columns % rows) as f64, (i % columns) as f64);
        let (chord, through_ends) = chord(grid, start, direction);
        if through_ends {
            exact += 1;
            let wrong = (f64::from(value) - 0.02 * chord).abs();
            assert!(wrong < 2e-6 * chord, "{}: {value} for {}", level.name(), 0.02 * chord);
        }
    }
    assert!(exact * 4 > found.len(), "{}: only {exact} of {} rays tested", level.name(), found.len());
}

/// Returns the length (mm) of a ray in the box of a grid, and whether it crosses only the two faces across its main
/// axis, at a distance from their edges.
fn chord(grid: &Grid, start: Point, direction: Point) -> (f64, bool) {
    let center = sub(start, grid.center());
    let spans: Vec<(f64, f64)> = (0..3)
        .map(|k| {
            let (at, along, half) =
                (dot(center, grid.axes[k]), dot(direction, grid.axes[k]), grid.extent()[k] / 2.0 - grid.spacing[k]);
            if grid.shape[k] == 1 || along.abs() < 1e-12 {
                return (f64::NEG_INFINITY, f64::INFINITY);
            }
            let (a, b) = ((-half - at) / along, (half - at) / along);
            let grow = grid.spacing[k] / along.abs();
            (a.min(b) - grow, a.max(b) + grow)
        })
        .collect();
    let step = |k: usize| if grid.shape[k] == 1 { 0.0 } else { dot(direction, grid.axes[k]).abs() / grid.spacing[k] };
    let main = (0..3).max_by(|&a, &b| step(a).total_cmp(&step(b))).unwrap();
    let slack =
        |k: usize| if spans[k].0.is_finite() { grid.spacing[k] / dot(direction, grid.axes[k]).abs() } else { 0.0 };
    let (low, high) = spans[main];
    let inside = (0..3).filter(|&k| k != main).all(|k| spans[k].0 + slack(k) <= low && high <= spans[k].1 - slack(k));
    (high - low, inside)
}

#[test]
fn the_error_against_exact_ellipsoid_integrals_falls_with_the_grid() {
    let geometry = cone(6, [24, 24], [4.0, 4.0], [3.0, 5.0], 300.0);
    let errors: Vec<f64> = [16, 32, 64]
        .iter()
        .map(|&n| {
            let grid = Grid::centered([n; 3], [64.0 / n as f64; 3], [0.0; 3]).unwrap();
            let volume = ellipsoid_voxels(&grid, 4);
            let exact: Vec<f32> = (0..geometry.samples()).map(|i| ellipsoid_chord(&geometry, i) as f32).collect();
            distance(&forward(Level::Portable, &grid, &geometry, &volume), &exact)
        })
        .collect();
    assert!(errors[1] < 0.6 * errors[0] && errors[2] < 0.6 * errors[1] && errors[2] < 0.03, "{errors:?}");
}

const CENTER: Point = [4.0, -3.0, 2.0];
const RADII: Point = [20.0, 14.0, 23.0];

/// Returns the fraction of every voxel that lies in the ellipsoid, by `fine`³ points per voxel.
fn ellipsoid_voxels(grid: &Grid, fine: usize) -> Vec<f32> {
    let [nz, ny, nx] = grid.shape;
    let offset = |i: usize| (i as f64 + 0.5) / fine as f64 - 0.5;
    let parts = |z: usize, y: usize, x: usize| {
        let inside = (0..fine.pow(3)).filter(|i| {
            let [a, b, c] = [i / fine / fine, i / fine % fine, i % fine].map(offset);
            let p = sub(grid.point([z as f64 + a, y as f64 + b, x as f64 + c]), CENTER);
            (0..3).map(|k| (p[k] / RADII[k]).powi(2)).sum::<f64>() <= 1.0
        });
        inside.count() as f32 / fine.pow(3) as f32
    };
    (0..nz)
        .flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| (z, y, x))))
        .map(|(z, y, x)| parts(z, y, x))
        .collect()
}

/// Returns the length (mm) of a pixel's ray in the ellipsoid: 2 sqrt(b² − a c) / a of |o + t d|² = 1 in units of
/// the radii.
fn ellipsoid_chord(geometry: &Geometry, sample: usize) -> f64 {
    let [_, rows, columns] = geometry.shape();
    let (start, direction) =
        geometry.ray(sample / (rows * columns), (sample / columns % rows) as f64, (sample % columns) as f64);
    let o: Point = std::array::from_fn(|k| (start[k] - CENTER[k]) / RADII[k]);
    let d: Point = std::array::from_fn(|k| direction[k] / RADII[k]);
    let (a, b, c) = (dot(d, d), dot(o, d), dot(o, o) - 1.0);
    2.0 * (b * b - a * c).max(0.0).sqrt() / a
}
