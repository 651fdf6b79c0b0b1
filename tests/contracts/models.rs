//! Tests of every projector model by the same rules: forward projection and adjoint are transposes on any scan, the
//! bits do not depend on the number of threads, the values follow from the definition of the model, and all models are
//! close to the exact integrals of a smooth object.

use crate::common::scans::{cone, distance, noise, parallel, product, setups, with_threads};
use recon::data::{Detector, DetectorShape, Geometry, Grid, Point, Source, View, add, cross, dot, norm, sub};
use recon::operators::xray::Model;

fn forward(model: Model, grid: &Grid, geometry: &Geometry, volume: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; geometry.samples()];
    (model.kernels().forward)(grid, &geometry.views, &geometry.detector, volume, &mut out);
    out
}

fn adjoint(model: Model, grid: &Grid, geometry: &Geometry, projections: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; grid.voxels()];
    (model.kernels().adjoint)(grid, &geometry.views, &geometry.detector, projections, &mut out);
    out
}

#[test]
fn every_model_is_an_exact_pair_with_the_same_bits_for_any_number_of_threads() {
    for model in Model::ALL {
        for (name, grid, geometry) in setups() {
            let (x, y) = (noise(grid.voxels(), 1), noise(geometry.samples(), 2));
            let both = |threads| {
                with_threads(threads, || (forward(model, &grid, &geometry, &x), adjoint(model, &grid, &geometry, &y)))
            };
            let (ax, aty) = both(1);
            let gap = (product(&ax, &y) - product(&x, &aty)).abs() / (product(&ax, &ax) * product(&y, &y)).sqrt();
            assert!(product(&ax, &ax) > 0.0 && gap <= 1e-5, "{model:?}, {name}: gap {gap:e}");
            assert!((ax, aty) == both(2) && both(2) == both(3), "{model:?}, {name}");
        }
    }
}

#[test]
fn a_voxel_of_the_adjoint_is_the_forward_projection_of_that_voxel() {
    for model in Model::ALL {
        for (name, grid, geometry) in setups() {
            let y = noise(geometry.samples(), 6);
            let aty = adjoint(model, &grid, &geometry, &y);
            let [nz, ny, nx] = grid.shape;
            for voxel in [0, grid.voxels() - 1, ((nz / 2) * ny + ny / 3) * nx + nx / 2] {
                let mut x = vec![0.0; grid.voxels()];
                x[voxel] = 1.0;
                let column = forward(model, &grid, &geometry, &x);
                let size = (product(&column, &column) * product(&y, &y)).sqrt().max(1e-3);
                let gap = (f64::from(aty[voxel]) - product(&column, &y)).abs();
                assert!(gap <= 1e-5 * size, "{model:?}, {name}, voxel {voxel}: {gap} of {size}");
            }
        }
    }
}

/// Returns the length (mm) of a ray in the box of a grid; a slice has no bounds along z. The length is the mean of
/// those of eight rays that are shifted by 1e-7 mm to all sides, so that a ray in a face of the box counts half.
fn chord(grid: &Grid, geometry: &Geometry, sample: usize) -> f64 {
    let [_, rows, columns] = geometry.shape();
    let view = sample / (rows * columns);
    let (start, direction) = geometry.ray(view, (sample / columns % rows) as f64, (sample % columns) as f64);
    let begin = if matches!(geometry.views[view].source, Source::Point(_)) { 0.0 } else { f64::NEG_INFINITY };
    let center = sub(start, grid.center());
    let beside = |side: usize| {
        let (mut enter, mut leave) = (begin, f64::INFINITY);
        for k in usize::from(grid.is_2d())..3 {
            let aside = if side >> k & 1 == 0 { 1e-7 } else { -1e-7 };
            let (at, along, half) =
                (dot(center, grid.axes[k]) + aside, dot(direction, grid.axes[k]), grid.extent()[k] / 2.0);
            let (a, b) = ((-half - at) / along, (half - at) / along);
            (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
        }
        (leave - enter).max(0.0)
    };
    (0..8).map(beside).sum::<f64>() / 8.0
}

#[test]
fn siddon_of_a_box_of_one_value_is_the_length_of_every_ray_in_it() {
    for (name, grid, geometry) in setups() {
        let found = forward(Model::Siddon, &grid, &geometry, &vec![0.02; grid.voxels()]);
        let size = norm(grid.extent());
        let mut met = 0;
        for (sample, &value) in found.iter().enumerate() {
            let exact = 0.02 * chord(&grid, &geometry, sample);
            met += usize::from(exact > 0.0);
            assert!(
                (f64::from(value) - exact).abs() <= 1e-5 * 0.02 * size,
                "{name}, sample {sample}: {value} for {exact}"
            );
        }
        assert!(met > 0, "{name}: no ray meets the grid");
    }
}

/// By Siddon's definition the weight of a voxel is the length of the ray in it.
#[test]
fn siddon_weighs_a_voxel_by_the_length_of_the_ray_in_it() {
    let mut met = 0;
    for (name, grid, geometry) in setups().into_iter().filter(|(name, ..)| !name.contains("fine")) {
        let [_, ny, nx] = grid.shape;
        for voxel in [grid.voxels() / 2, grid.voxels() / 3, grid.voxels() / 2 + nx / 2] {
            let index = [voxel / (ny * nx), voxel / nx % ny, voxel % nx];
            // A grid of one voxel along z would be treated as a slice, so that the voxel is divided into two along z.
            let (shape, spacing) = if grid.is_2d() {
                ([1; 3], grid.spacing)
            } else {
                ([2, 1, 1], [grid.spacing[0] / 2.0, grid.spacing[1], grid.spacing[2]])
            };
            let at = [if grid.is_2d() { 0.0 } else { index[0] as f64 - 0.25 }, index[1] as f64, index[2] as f64];
            let alone = Grid { shape, spacing, origin: grid.point(at), axes: grid.axes };
            let mut x = vec![0.0; grid.voxels()];
            x[voxel] = 1.0;
            let found = forward(Model::Siddon, &grid, &geometry, &x);
            let size = norm(grid.spacing);
            for (sample, &value) in found.iter().enumerate() {
                let exact = chord(&alone, &geometry, sample);
                met += usize::from(exact > 0.0);
                assert!(
                    (f64::from(value) - exact).abs() <= 2e-5 * size,
                    "{name}, voxel {voxel}, sample {sample}: {value} for {exact}"
                );
            }
        }
    }
    assert!(met > 50, "only {met} rays meet the voxels");
}

#[test]
fn a_ray_in_the_face_between_voxels_counts_half_in_either() {
    let grid = Grid::centered([4, 4, 4], [1.0; 3], [0.0; 3]).unwrap();
    let slice = Grid::centered([1, 4, 4], [1.0; 3], [0.0; 3]).unwrap();
    let geometry = parallel(4, [1, 1], [1.0, 1.0]);
    // The second view runs along y: in the volume in the edge between four lines of voxels, in the slice in the face
    // between two.
    for (grid, share) in [(&grid, 0.25), (&slice, 0.5)] {
        let x: Vec<f32> =
            (0..grid.voxels()).map(|i| if i % 4 == 1 && i / 16 == grid.shape[0] / 2 { 1.0 } else { 0.0 }).collect();
        let found = forward(Model::Siddon, grid, &geometry, &x);
        assert!((f64::from(found[1]) - 4.0 * share).abs() < 1e-6, "{found:?}");
    }
}

#[test]
fn distance_driven_projections_keep_the_mass_of_a_parallel_beam() {
    let scans: Vec<_> = setups().into_iter().filter(|(name, ..)| name.contains("parallel")).collect();
    assert_eq!(scans.len(), 5);
    for (name, grid, geometry) in scans {
        let x: Vec<f32> = noise(grid.voxels(), 3).iter().map(|v| v.abs()).collect();
        let flat = grid.is_2d();
        let cell: f64 = if flat { grid.spacing[1] * grid.spacing[2] } else { grid.spacing.iter().product() };
        let mass = cell * x.iter().map(|&v| f64::from(v)).sum::<f64>();
        // The detector is three times as wide and high, so that no part of the object is projected beside it.
        let mut wide = geometry.clone();
        wide.detector.columns *= 3;
        wide.detector.rows *= if flat { 1 } else { 3 };
        let pixels = wide.detector.rows * wide.detector.columns;
        let found = forward(Model::DistanceDriven, &grid, &wide, &x);
        for (view, values) in wide.views.iter().zip(found.chunks(pixels)) {
            let Source::Direction(direction) = view.source else { unreachable!() };
            let area = if flat { norm(cross(view.u, direction)) } else { dot(cross(view.u, view.v), direction).abs() };
            let seen = area * values.iter().map(|&v| f64::from(v)).sum::<f64>();
            assert!((seen / mass - 1.0).abs() < 1e-5, "{name}: {seen} for {mass}");
        }
    }
}

#[test]
fn distance_driven_misses_no_voxel_where_pixels_are_wide() {
    let grid = Grid::centered([1, 32, 32], [1.0; 3], [0.0; 3]).unwrap();
    let geometry = parallel(3, [1, 10], [1.0, 8.0]);
    let ones = vec![1.0; geometry.samples()];
    let least = |model| adjoint(model, &grid, &geometry, &ones).into_iter().fold(f32::INFINITY, f32::min);
    assert!(least(Model::DistanceDriven) > 0.0 && least(Model::Joseph) == 0.0 && least(Model::Siddon) == 0.0);
}

/// In a volume of one thin plane, in which voxels are flat tiles, the distance-driven value of a pixel is the mean of
/// Siddon's integrals over the pixel, for a detector of any pose.
#[test]
fn distance_driven_is_the_mean_over_the_pixel_of_rays_through_tiles() {
    let (s, c) = 0.5f64.sin_cos();
    let grid = Grid::centered([7, 9, 1], [1.0, 1.3, 1e-4], [0.0, 0.4, 0.2]).unwrap();
    // The detector is turned in its plane and tilted; the beam runs along x.
    let view =
        |source| View { source, center: [-60.0, 1.0, -0.5], u: [0.3, 3.0 * c, 3.0 * s], v: [0.1, -2.5 * s, 2.5 * c] };
    let detector = Detector { rows: 4, columns: 5, shape: DetectorShape::Flat };
    for source in [Source::Point([80.0, 2.0, 1.0]), Source::Direction([-1.0, 0.05, 0.03])] {
        let geometry = Geometry::new(vec![view(source)], detector, None).unwrap();
        let x = noise(grid.voxels(), 5);
        let found = forward(Model::DistanceDriven, &grid, &geometry, &x);
        let fine = 100;
        let rays = geometry.subdivided(fine, fine);
        let sums = forward(Model::Siddon, &grid, &rays, &x);
        let width = detector.columns * fine;
        let mean = |sample: usize| {
            let (row, column) = (sample / detector.columns, sample % detector.columns);
            let inside =
                (0..fine * fine).map(|i| f64::from(sums[(row * fine + i / fine) * width + column * fine + i % fine]));
            (inside.sum::<f64>() / (fine * fine) as f64) as f32
        };
        let expected: Vec<f32> = (0..found.len()).map(mean).collect();
        let gap = distance(&found, &expected);
        assert!(gap < 1e-2, "{source:?}: {gap}");
    }
}

/// Radii (mm) of a smooth object with exact integrals: its value is (1 − r²)², where r is the distance from its
/// centre in units of the radii.
const RADII: Point = [16.0, 13.0, 15.0];

/// Returns the centre of the object, which lies near the centre of the grid.
fn center(grid: &Grid) -> Point {
    add(grid.center(), [1.0, -0.8, 0.6])
}

fn bump(grid: &Grid) -> Vec<f32> {
    let [nz, ny, nx] = grid.shape;
    let value = |z: usize, y: usize, x: usize| {
        let p = sub(grid.point([z as f64, y as f64, x as f64]), center(grid));
        let used = if grid.is_2d() { 2 } else { 3 };
        let square: f64 = (0..used).map(|k| (p[k] / RADII[k]).powi(2)).sum();
        (1.0 - square).max(0.0).powi(2) as f32
    };
    (0..nz)
        .flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| (z, y, x))))
        .map(|(z, y, x)| value(z, y, x))
        .collect()
}

/// Returns ∫ (1 − r²)² dt along a ray: with r² − 1 = a t² + 2 b t + c and h² = (b² − a c) / a² it is
/// 16/15 a² h⁵.
fn bump_integral(grid: &Grid, geometry: &Geometry, sample: usize) -> f64 {
    let [_, rows, columns] = geometry.shape();
    let (start, direction) =
        geometry.ray(sample / (rows * columns), (sample / columns % rows) as f64, (sample % columns) as f64);
    let used = |k: usize| if grid.is_2d() && k == 2 { 0.0 } else { 1.0 };
    let o: Point = std::array::from_fn(|k| used(k) * (start[k] - center(grid)[k]) / RADII[k]);
    let d: Point = std::array::from_fn(|k| used(k) * direction[k] / RADII[k]);
    let (a, b, c) = (dot(d, d), dot(o, d), dot(o, o) - 1.0);
    let half = (b * b - a * c).max(0.0).sqrt() / a;
    16.0 / 15.0 * a * a * half.powi(5)
}

/// Returns the largest relative error against the exact integrals at seven voxels to the radius. Siddon's error is the
/// largest, because a ray that stays in one layer of voxels takes the values of that layer without interpolation.
fn tolerance(model: Model) -> f64 {
    match model {
        Model::Joseph => 0.03,
        Model::Siddon => 0.1,
        Model::DistanceDriven => 0.04,
    }
}

fn hold_to_the_exact_integrals(name: &str, grid: &Grid, geometry: &Geometry, tolerance: fn(Model) -> f64) {
    let x = bump(grid);
    let exact: Vec<f32> = (0..geometry.samples()).map(|i| bump_integral(grid, geometry, i) as f32).collect();
    let found = Model::ALL.map(|model| forward(model, grid, geometry, &x));
    for (model, found) in Model::ALL.iter().zip(&found) {
        let (error, most) = (distance(found, &exact), tolerance(*model));
        assert!(error < most, "{name}, {model:?}: {error}");
    }
    for (i, j) in [(0, 1), (0, 2), (1, 2)] {
        let (apart, most) = (distance(&found[i], &found[j]), tolerance(Model::ALL[i]).max(tolerance(Model::ALL[j])));
        assert!(apart < most, "{name}, {:?} and {:?}: {apart}", Model::ALL[i], Model::ALL[j]);
    }
}

#[test]
fn every_model_is_near_the_exact_integrals_of_a_smooth_volume_and_near_the_others() {
    // Only scans with pixels of about the size of the voxels are compared. Coarse and fine pixels have tests of their
    // own, and the formula does not hold for a source in the grid.
    let fair = |name: &str| !["coarse", "fine", "source in the grid"].iter().any(|word| name.contains(word));
    for (name, grid, geometry) in setups().into_iter().filter(|(name, ..)| fair(name)) {
        hold_to_the_exact_integrals(name, &grid, &geometry, tolerance);
    }
}

#[test]
fn on_a_finer_grid_every_model_is_within_a_few_per_cent_of_the_exact_integrals() {
    let cube = Grid::centered([48; 3], [1.0; 3], [1.0, 2.0, 3.0]).unwrap();
    let slice = Grid::centered([1, 96, 96], [0.5; 3], [1.0, 2.0, 3.0]).unwrap();
    for (name, grid, geometry) in [
        ("cone", &cube, cone(4, [40, 41], [1.4, 1.5], [1.0, 2.0], 300.0)),
        ("parallel", &cube, parallel(4, [40, 47], [1.1, 1.0])),
        ("2-D fan", &slice, cone(30, [1, 101], [1.0, 0.8], [0.0, 2.0], 200.0)),
        ("2-D parallel", &slice, parallel(30, [1, 80], [1.0, 0.6])),
    ] {
        hold_to_the_exact_integrals(name, grid, &geometry, |model| tolerance(model) / 2.0);
    }
}

#[test]
fn odd_scans_and_beams_along_a_slices_normal_give_finite_numbers() {
    let grid = Grid::centered([1, 5, 6], [1.0; 3], [0.0; 3]).unwrap();
    let cube = Grid::centered([5, 6, 7], [1.0, 2.0, 1.5], [0.0; 3]).unwrap();
    let detector = Detector { rows: 1, columns: 4, shape: DetectorShape::Flat };
    let sources = [
        Source::Direction([0.0, 0.0, 1.0]),
        Source::Point([0.0, 0.0, -9.0]),
        Source::Point([0.0, 0.0, 0.0]),
        Source::Point([0.5, 0.5, 0.5]),
        Source::Point([0.75, 1.0, 8.999]),
    ];
    let mut tried = 0;
    for source in sources {
        let view = View { source, center: [0.0, 0.0, 9.0], u: [0.0, 30.0, 0.0], v: [20.0, 0.0, 0.0] };
        let geometry = Geometry::new(vec![view], detector, None);
        let Ok(geometry) = geometry else { continue };
        tried += 1;
        for model in Model::ALL {
            for grid in [&grid, &cube] {
                let (x, y) = (noise(grid.voxels(), 1), noise(4, 1));
                let (ax, aty) = (forward(model, grid, &geometry, &x), adjoint(model, grid, &geometry, &y));
                assert!(ax.iter().chain(&aty).all(|v| v.is_finite()), "{model:?}, {source:?}");
                let gap = (product(&ax, &y) - product(&x, &aty)).abs();
                assert!(
                    gap <= 1e-5 * (product(&ax, &ax) * product(&y, &y)).sqrt() + 1e-9,
                    "{model:?}, {source:?}: {gap}"
                );
            }
        }
    }
    assert!(tried >= 4, "only {tried} of the sources give a valid scan");
}
