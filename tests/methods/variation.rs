//! Tests of total variation (TV), Huber TV and TGV: against an independent minimisation, by their duality gap, and on
//! objects whose reconstruction is known.

use crate::common::scans::scan;
use recon::algorithms::statistics::Statistics;
use recon::algorithms::weight::{Auto, By, Weight};
use recon::algorithms::{Algorithm, Problem, Reconstruction, Run, Setup, tgv, tv};
use recon::data::{Geometry, Grid, Projections, Quantity, Volume};
use recon::operators::xray::{self, Model};
use recon::phantoms::Phantom;
use recon::tensors::{from_volume, to_vec};
use std::path::Path;
use tch::Device;

/// mu_ref = 2.5 mu_water = 0.05 /mm.
const MU_WATER: f64 = 0.02;
const SCAN: &str = "parallel: {views: 10, arc_deg: 180, detector: {pixels: 18, pitch_mm: 5}}";

fn grid() -> Grid {
    Grid::centered([1, 12, 12], [5.0; 3], [0.0; 3]).unwrap()
}

/// Returns the data of tools/golden-tv.py, by the same formula.
fn golden_data() -> Projections {
    let value = |v: usize, c: usize| {
        let s = (c as f64 - 8.5) * 5.0;
        let chord = |radius: f64, s: f64| 2.0 * (radius * radius - s * s).max(0.0).sqrt();
        (0.02 * chord(22.0, s) + 0.03 * chord(8.0, s - 7.0) + 0.02 * (1.7 * c as f64 + 2.3 * v as f64).sin()) as f32
    };
    let values = (0..180).map(|i| value(i / 18, i % 18)).collect();
    Projections::from_vec(scan(SCAN, &grid()), values).unwrap()
}

fn reconstruct(algorithm: &dyn Algorithm, data: &Projections, grid: &Grid) -> Reconstruction {
    algorithm.reconstruct(&Problem::xrays(data, grid, MU_WATER), &mut Run::quiet(Device::Cpu, 3)).unwrap()
}

fn config(weight: f64) -> tv::Config {
    tv::Config { weight: weight.into(), tolerance: 1e-5, iterations: 5000, ..tv::Config::default() }
}

fn projections(volume: &Volume, geometry: &Geometry) -> Projections {
    let projector = xray::build(Model::Joseph, &volume.grid, geometry, Device::Cpu).unwrap();
    Projections::from_vec(
        geometry.clone(),
        to_vec(&projector.forward(&from_volume(volume, Device::Cpu).unwrap()).unwrap()).unwrap(),
    )
    .unwrap()
}

fn painted(grid: &Grid, value: impl Fn(f64, f64) -> f64) -> Volume {
    let nx = grid.shape[2];
    let values = (0..grid.voxels()).map(|i| value((i / nx) as f64, (i % nx) as f64) as f32).collect();
    Volume::from_vec(grid.clone(), Quantity::Attenuation, values).unwrap()
}

fn rmse(a: &Volume, b: &Volume) -> f64 {
    let squares: f64 = a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (squares / a.as_slice().len() as f64).sqrt()
}

/// The objectives, voxels and sums are printed by tools/golden-tv.py, which minimises in f64 with its own projector
/// until the duality gap is below 1e-9.
#[test]
fn the_minimum_is_that_of_an_independent_minimisation() {
    type Golden = (f64, f64, [((usize, usize), f64); 5], f64);
    let golden: [Golden; 2] = [
        (
            0.0,
            0.086214903,
            [((5, 5), 0.65356), ((2, 6), 0.534623), ((6, 9), 0.385121), ((0, 0), 0.0), ((8, 3), 0.526382)],
            28.77156,
        ),
        (
            0.05,
            0.080161542,
            [((5, 5), 0.652019), ((2, 6), 0.535544), ((6, 9), 0.384424), ((0, 0), 0.0), ((8, 3), 0.519465)],
            28.85161,
        ),
    ];
    for (huber, objective, voxels, sum) in golden {
        let found = reconstruct(&tv::Config { huber, ..config(0.003) }, &golden_data(), &grid());
        let loss = found.curve.last().unwrap().loss;
        assert!((loss / objective - 1.0).abs() < 1e-3, "huber {huber}: {loss} {objective}");
        let x: Vec<f64> = found.volume.as_slice().iter().map(|&mu| f64::from(mu) / 0.05).collect();
        for ((row, column), expected) in voxels {
            assert!(
                (x[row * 12 + column] - expected).abs() < 3e-3,
                "huber {huber}: {row} {column} {} {expected}",
                x[row * 12 + column]
            );
        }
        assert!((x.iter().sum::<f64>() / sum - 1.0).abs() < 1e-3);
    }
}

#[test]
fn the_gap_is_never_negative_bounds_the_objective_and_vanishes() {
    let all: [(&dyn Algorithm, &str); 4] = [
        (&tv::Config { tolerance: 0.0, iterations: 3000, ..config(0.003) }, "tv"),
        (&tv::Config { tolerance: 0.0, iterations: 3000, huber: 0.02, ..config(0.003) }, "huber"),
        (&tv::Config { tolerance: 0.0, iterations: 3000, nonnegative: false, ..config(0.003) }, "signed"),
        (&tgv::Config { weight: 0.003.into(), tolerance: 0.0, iterations: 6000, ..tgv::Config::default() }, "tgv"),
    ];
    for (algorithm, name) in all {
        let curve = reconstruct(algorithm, &golden_data(), &grid()).curve;
        let least = curve.last().unwrap().loss;
        for point in &curve {
            let gap = point.figures["gap"];
            assert!(gap >= 0.0 && gap.is_finite(), "{name}: {gap}");
            // The smallest loss is known only up to the last gap.
            assert!(
                point.loss * (1.0 - gap) <= least * (1.0 + 1e-5),
                "{name}: step {} {} {gap} {least}",
                point.step,
                point.loss
            );
        }
        assert!(curve.last().unwrap().figures["gap"] < 1e-3, "{name}: {:?}", curve.last());
    }
}

/// All views see an oscillation from voxel to voxel along the axis of rotation; steps that are too long would diverge
/// on it.
#[test]
fn a_cone_beam_scan_converges_at_any_weight() {
    let grid = Grid::centered([12, 12, 12], [6.0; 3], [0.0; 3]).unwrap();
    let scanned = "cone: {views: 20, source_to_axis_mm: 1000, source_to_detector_mm: 1500, detector: {pixels: [16, \
     18], pitch_mm: [9, 9]}}";
    let geometry = scan(scanned, &grid);
    let nx = 12 * 12;
    let ball = |i: usize| ((i / nx) as f64 - 5.0).hypot((i / 12 % 12) as f64 - 6.0).hypot((i % 12) as f64 - 5.0) < 4.0;
    let values = (0..12 * nx).map(|i| if ball(i) { 0.02 + 0.01 * (i % 7) as f32 } else { 0.0 }).collect();
    let data = projections(&Volume::from_vec(grid.clone(), Quantity::Attenuation, values).unwrap(), &geometry);
    for weight in [3e-5, 2e-4, 6e-4, 3e-3] {
        let found =
            reconstruct(&tv::Config { weight: weight.into(), iterations: 800, ..tv::Config::default() }, &data, &grid);
        assert!(found.notes["relative_gap"].as_f64().unwrap() <= 0.01, "{weight}: {:?}", found.curve.last());
    }
}

#[test]
fn a_tolerance_stops_where_the_gap_is_below_it() {
    let found = reconstruct(&tv::Config { tolerance: 0.01, ..config(0.003) }, &golden_data(), &grid());
    let steps = found.notes["iterations"].as_u64().unwrap();
    assert!(found.notes["relative_gap"].as_f64().unwrap() <= 0.01 && steps < 1000, "{steps}");
    let all = reconstruct(&tv::Config { tolerance: 0.0, iterations: 37, ..config(0.003) }, &golden_data(), &grid());
    assert_eq!(all.notes["iterations"].as_u64().unwrap(), 37);
}

#[test]
fn a_start_at_the_minimum_stays_there() {
    let (data, grid) = (golden_data(), grid());
    let cold = reconstruct(&config(0.003), &data, &grid);
    let mut run = Run { initial: Some(cold.volume.clone()), ..Run::quiet(Device::Cpu, 3) };
    let warm = config(0.003).reconstruct(&Problem::xrays(&data, &grid, MU_WATER), &mut run).unwrap();
    assert!(rmse(&cold.volume, &warm.volume) < 1e-4);
    // The first figures are those after ten steps: at the start the dual variables do not belong to the volume, so that
    // the first steps lead away from the minimum, but not as far as air is.
    let least = cold.curve.last().unwrap().loss;
    let excess = |made: &Reconstruction| made.curve[0].loss / least - 1.0;
    assert!(excess(&warm) < 0.01 && excess(&warm) < 0.5 * excess(&cold), "{} {}", excess(&warm), excess(&cold));
}

#[test]
fn weight_zero_is_least_squares() {
    let grid = grid();
    let geometry = scan("parallel: {views: 30, arc_deg: 180, detector: {pixels: 36, pitch_mm: 2.5}}", &grid);
    let truth = painted(&grid, |y, x| if (y - 6.0).hypot(x - 5.0) < 3.5 { 0.02 } else { 0.005 });
    let found = reconstruct(&config(0.0), &projections(&truth, &geometry), &grid);
    assert!(rmse(&truth, &found.volume) < 2e-4, "{}", rmse(&truth, &found.volume));
}

#[test]
fn nothing_stays_nothing_and_a_constant_a_constant() {
    let grid = grid();
    let geometry = scan(SCAN, &grid);
    let zero = Projections::from_vec(geometry.clone(), vec![0.0; geometry.samples()]).unwrap();
    let constant = painted(&grid, |_, _| 0.02);
    let seen = projections(&constant, &geometry);
    let (tv, tgv) = (
        config(1e-3),
        tgv::Config { weight: 1e-3.into(), iterations: 5000, tolerance: 1e-5, ..tgv::Config::default() },
    );
    let both: [&dyn Algorithm; 2] = [&tv, &tgv];
    for algorithm in both {
        assert!(reconstruct(algorithm, &zero, &grid).volume.as_slice().iter().all(|&v| v == 0.0));
        assert!(rmse(&constant, &reconstruct(algorithm, &seen, &grid).volume) < 2e-5);
    }
}

#[test]
fn a_narrow_huber_is_total_variation() {
    let sharp = reconstruct(&config(0.003), &golden_data(), &grid());
    let narrow = reconstruct(&tv::Config { huber: 1e-4, ..config(0.003) }, &golden_data(), &grid());
    let wide = reconstruct(&tv::Config { huber: 0.2, ..config(0.003) }, &golden_data(), &grid());
    assert!(rmse(&sharp.volume, &narrow.volume) < 2e-4 * 0.05, "{}", rmse(&sharp.volume, &narrow.volume));
    assert!(rmse(&sharp.volume, &wide.volume) > 5e-3 * 0.05);
}

#[test]
fn a_ramp_stays_a_ramp_with_second_order_variation() {
    let grid = Grid::centered([1, 24, 24], [2.5; 3], [0.0; 3]).unwrap();
    let geometry = scan("parallel: {views: 12, arc_deg: 180, detector: {pixels: 36, pitch_mm: 2.5}}", &grid);
    // The object is a pyramid with four slopes.
    let truth = painted(&grid, |y, x| 0.004 * (10.0 - (y - 11.5).abs().max((x - 11.5).abs())).max(0.0));
    let data = projections(&truth, &geometry);
    let flat = reconstruct(&config(0.01), &data, &grid);
    let sloped = reconstruct(
        &tgv::Config { weight: 0.01.into(), ratio: 1.0, iterations: 6000, tolerance: 1e-3, ..tgv::Config::default() },
        &data,
        &grid,
    );
    let (flat, sloped) = (rmse(&truth, &flat.volume), rmse(&truth, &sloped.volume));
    assert!(sloped < 0.8 * flat, "tgv {sloped} tv {flat}");
}

/// Returns a finer scan of a disc in a disc, with noise of the standard deviation `sd`, the truth and the grid.
fn noisy(sd: f64) -> (Projections, Volume, Grid) {
    use rand::RngExt;
    let grid = Grid::centered([1, 32, 32], [2.0; 3], [0.0; 3]).unwrap();
    let geometry = scan("parallel: {views: 24, arc_deg: 180, detector: {pixels: 48, pitch_mm: 2}}", &grid);
    let disks = "{name: disks, source: test, extent_mm: 64, dimension: 2, shapes: [{ellipse: {center: [0, 0], \
     semi_axes: [0.8, 0.7], density: 1}}, {ellipse: {center: [0.2, 0.1], semi_axes: [0.3, 0.2], density: 0.4}}]}";
    let phantom = Phantom::parse(disks, Path::new("disks")).unwrap();
    let mut random = recon::random::stream(1, "test", 0);
    let mut normal = || (0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0;
    let values = phantom.project(&geometry, MU_WATER).iter().map(|&y| y + (sd * normal()) as f32).collect();
    (Projections::from_vec(geometry, values).unwrap(), phantom.rasterise(&grid, MU_WATER, 4), grid)
}

fn chosen(by: By, sd: f64) -> (f64, Reconstruction, Volume) {
    let (data, truth, grid) = noisy(sd);
    let weight = Weight::Auto(Auto { by, ..Auto::default() });
    let found = reconstruct(&tv::Config { weight, ..tv::Config::default() }, &data, &grid);
    (found.notes["weight"].as_f64().unwrap(), found, truth)
}

#[test]
fn more_noise_chooses_a_larger_weight() {
    for by in [By::HeldOut, By::Discrepancy] {
        let (little, much) = (chosen(by, 0.01).0, chosen(by, 0.05).0);
        assert!(much > 1.5 * little, "{by:?}: {little} {much}");
    }
}

#[test]
fn the_chosen_weight_is_nearly_the_best_and_always_the_same() {
    let (weight, found, truth) = chosen(By::HeldOut, 0.03);
    assert_eq!(chosen(By::HeldOut, 0.03).0, weight);
    let (data, _, grid) = noisy(0.03);
    let at = |weight: f64| {
        rmse(&truth, &reconstruct(&tv::Config { weight: weight.into(), ..tv::Config::default() }, &data, &grid).volume)
    };
    let best = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2].map(at).into_iter().fold(f64::INFINITY, f64::min);
    // A factor of 1.06 in the root-mean-square error is 0.5 dB.
    assert!(
        rmse(&truth, &found.volume) < 1.06 * best,
        "weight {weight}: {} against {best}",
        rmse(&truth, &found.volume)
    );
    assert!(found.notes["weights_tried"].as_array().unwrap().len() > 3);
}

#[test]
fn every_view_is_kept_or_left_out() {
    let data = golden_data();
    let problem = Problem::xrays(&data, &grid(), MU_WATER);
    let [kept, out] = problem.split(4, 0).unwrap();
    let [kept, out] = [kept.projections().unwrap(), out.projections().unwrap()];
    assert_eq!((kept.geometry.views.len(), out.geometry.views.len()), (8, 2));
    assert_eq!(out.as_slice()[18..], data.as_slice()[6 * 18..7 * 18]);
    assert_eq!(out.geometry.views[0], data.geometry.views[2]);
    let mut times_out = [0; 10];
    for fold in 0..4 {
        let [kept, out] = problem.split(4, fold).unwrap();
        for (view, times) in data.geometry.views.iter().zip(&mut times_out) {
            let [kept, out] = [&kept, &out].map(|part| part.projections().unwrap().geometry.views.contains(view));
            assert!(kept != out, "fold {fold}: a view is in one of the parts");
            *times += usize::from(out);
        }
    }
    assert_eq!(times_out, [1; 10], "each view is left out once");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_key() {
    let (grid, geometry) = (grid(), scan(SCAN, &grid()));
    let refused = |text: &str| {
        let config: tv::Config = serde_yaml::from_str(text).unwrap();
        config.accept(&Setup::xrays(&geometry, &grid)).unwrap_err().to_string()
    };
    assert!(refused("weight: -1").starts_with("weight: "));
    assert!(refused("weight: {auto: {every: 6}}").starts_with("weight.auto.every"));
    assert!(refused("weight: {auto: {by: discrepancy, factor: 0}}").starts_with("weight.auto.factor"));
    assert!(refused("iterations: 0").starts_with("iterations"));
    assert!(refused("tolerance: -1").starts_with("tolerance"));
    assert!(refused("huber: .nan").starts_with("huber"));
}

#[test]
fn rays_count_by_what_they_know() {
    let grid = grid();
    let truth = painted(&grid, |y, x| if (y - 5.5).hypot(x - 5.0) < 4.0 { 0.02 } else { 0.0 });
    let clean = projections(&truth, &scan(SCAN, &grid));
    // Almost no photons reach one pixel of every view: its value is given by noise.
    let value = |(i, &value): (usize, &f32)| if i % 18 == 9 { 9.0 } else { value };
    let data = Projections::from_vec(clean.geometry.clone(), clean.as_slice().iter().enumerate().map(value).collect())
        .unwrap();
    let noise = Statistics { photons: 1e5, electronic_sd: 10.0, model_sd: 0.02 };
    let wrong = |noise| rmse(&reconstruct(&tv::Config { noise, ..config(2e-5) }, &data, &grid).volume, &truth);
    let (alike, weighted) = (wrong(None), wrong(Some(noise)));
    assert!(weighted < 0.1 * alike, "{weighted} {alike}");
}

/// Returns the scan of a disc with the noise of `photons` photons per pixel in air. The standard deviation of a line
/// integral y is √(exp(y) / photons), so that the pixels behind the centre are noisier the denser the disc is.
fn counted(density: f64, photons: f64) -> Projections {
    let grid = grid();
    let truth = painted(&grid, |y, x| if (y - 5.5).hypot(x - 5.0) < 4.0 { density } else { 0.0 });
    let clean = projections(&truth, &scan(SCAN, &grid));
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    };
    let noisy = |&y: &f32| y + ((f64::from(y).exp() / photons).sqrt() * 12f64.sqrt() * uniform()) as f32;
    Projections::from_vec(clean.geometry.clone(), clean.as_slice().iter().map(noisy).collect()).unwrap()
}

#[test]
fn rays_of_very_unequal_noise_that_count_alike_are_named_and_only_those() {
    let codes = |data: &Projections, noise| {
        let made = reconstruct(&tv::Config { noise, ..config(1e-4) }, data, &grid());
        made.warnings.iter().map(|warning| (warning.code.clone(), warning.message.clone())).collect::<Vec<_>>()
    };
    let longest = counted(0.01, 1e12).as_slice().iter().copied().fold(0.0, f32::max);
    let dense = 0.01 * 8.0 / f64::from(longest);
    let starved = counted(dense, 1e5);
    let found = codes(&starved, None);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0 == "unequal_noise" && found[0].1.contains("noise: {photons: N}"), "{found:?}");
    assert!(codes(&starved, Some(Statistics { photons: 1e5, ..Statistics::default() })).is_empty());
    assert!(codes(&counted(dense / 4.0, 1e5), None).is_empty());
}

#[test]
fn rays_that_all_know_alike_count_alike() {
    let data = golden_data();
    let blunt = Statistics { photons: 1e5, electronic_sd: 0.0, model_sd: 1e4 };
    let plain = reconstruct(&config(1e-3), &data, &grid()).volume;
    let weighted = reconstruct(&tv::Config { noise: Some(blunt), ..config(1e-3) }, &data, &grid()).volume;
    assert!(rmse(&plain, &weighted) < 1e-5, "{}", rmse(&plain, &weighted));
}
