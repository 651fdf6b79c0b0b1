//! Tests of methods that model the scan on a finer grid than the output grid: projectors with several rays per pixel,
//! the result on the output grid, weights with the same meaning on every grid, and the gain in quality.

use super::support::{MU_WATER, algorithm, ball, fitted, kinds, psnr};
use crate::common::scans::{product, random, scan, setups};
use recon::algorithms::{Discretisation, Problem, Reconstruction, Run};
use recon::data::{Grid, Projections, Quantity, Volume};
use recon::operators::xray::{self, Model, Sampling};
use tch::{Device, Tensor};

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(&tensor.view(-1)).unwrap()
}

#[test]
fn the_adjoint_of_a_projector_with_sub_rays_is_its_transpose() {
    for (name, grid, geometry) in setups() {
        for (model, sub_rays) in [(Model::Joseph, 2), (Model::Joseph, 3), (Model::Siddon, 2)] {
            let projector = xray::build(Sampling { model, sub_rays }, &grid, &geometry, Device::Cpu).unwrap();
            let (x, y) = (random(grid.shape, 1), random(geometry.shape(), 2));
            let (ax, aty) = (projector.forward(&x).unwrap(), projector.adjoint(&y).unwrap());
            let (one, other) = (product(&values(&ax), &values(&y)), product(&values(&x), &values(&aty)));
            let size = product(&values(&ax), &values(&ax)).sqrt() * product(&values(&y), &values(&y)).sqrt();
            assert!(size > 0.0 && (one - other).abs() < 1e-5 * size, "{name}, {model:?}, {sub_rays}: {one} {other}");
        }
    }
}

#[test]
fn a_pixel_is_the_mean_of_its_sub_rays() {
    for (name, grid, geometry) in setups() {
        let x = random(grid.shape, 3);
        let model = Model::Joseph;
        let sub_rays = 2;
        let found = xray::build(Sampling { model, sub_rays }, &grid, &geometry, Device::Cpu).unwrap();
        let rows = if grid.is_2d() { 1 } else { 2 };
        let fine = xray::build(model, &grid, &geometry.subdivided(rows, 2), Device::Cpu).unwrap();
        let rays = values(&fine.forward(&x).unwrap());
        let [_, _, columns] = geometry.shape();
        let mean = |i: usize| -> f32 {
            let (line, column) = (i / columns, i % columns);
            let part = |k: usize| rays[(line * rows + k / 2) * 2 * columns + 2 * column + k % 2];
            (0..2 * rows).map(part).sum::<f32>() / (2 * rows) as f32
        };
        let found = values(&found.forward(&x).unwrap());
        let most = found.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        let gap = found.iter().enumerate().map(|(i, v)| (v - mean(i)).abs()).fold(0.0, f32::max);
        assert!(gap <= 1e-6 * most, "{name}: {gap} of {most}");
    }
}

fn finer(name: &str, data: &Projections, grid: &Grid, discretisation: Discretisation) -> Reconstruction {
    let problem = Problem::xrays(data, grid, MU_WATER);
    discretisation.reconstruct(algorithm(name).as_part(), &problem, &mut Run::quiet(Device::Cpu, 7)).unwrap()
}

const TWICE: Discretisation = Discretisation { lattice: 2, sub_rays: Some(2) };

#[test]
fn every_iterative_algorithm_finds_a_ball_on_the_finer_model_and_gives_the_pictures_voxels() {
    let mut tested = 0;
    for (kind, geometry, grid) in kinds() {
        let part = kind.as_part();
        if !part.iterative() || part.file().is_some() {
            continue;
        }
        tested += 1;
        let (data, truth) = ball(&geometry, &grid);
        let found =
            TWICE.reconstruct(part, &Problem::xrays(&data, &grid, MU_WATER), &mut Run::quiet(Device::Cpu, 7)).unwrap();
        assert_eq!(found.volume.grid, grid);
        let quality = psnr(&truth, &found.volume);
        assert!(quality > 20.0, "{kind:?}: {quality:.2} dB");
    }
    assert!(tested >= 12, "{tested} iterative methods");
}

/// Returns the projections, the truth and the output grid of a slice: a body with a linear gradient that holds two
/// discs. The projections are computed by Siddon's method with 8 sub-rays on voxels eight times smaller than those of
/// the output grid.
fn slice() -> (Projections, Volume, Grid) {
    let grid = Grid::centered([1, 32, 32], [2.0; 3], [0.0; 3]).unwrap();
    let fine = grid.with_shape([1, 256, 256]).unwrap();
    let value = |n: usize| {
        let p = fine.point([0.0, (n / 256) as f64, (n % 256) as f64]);
        let inside = |x: f64, y: f64, r: f64| (p[0] - x).hypot(p[1] - y) < r;
        let body = if inside(0.0, 0.0, 27.3) { 0.02 + 1e-4 * p[0] } else { 0.0 };
        let bone = if inside(8.3, -5.1, 6.2) { 0.015 } else { 0.0 };
        let hole = if inside(-9.7, 7.9, 4.4) { -0.012 } else { 0.0 };
        (body + bone + hole) as f32
    };
    let truth = Volume::from_vec(fine.clone(), Quantity::Attenuation, (0..fine.voxels()).map(value).collect()).unwrap();
    let geometry = scan("parallel: {views: 40, detector: {pixels: 48, pitch_mm: 2.0}}", &grid);
    let exact = Sampling { model: Model::Siddon, sub_rays: 8 };
    let projector = xray::build(exact, &fine, &geometry, Device::Cpu).unwrap();
    let line = projector.forward(&Tensor::from_slice(truth.as_slice()).view([1, 256, 256])).unwrap();
    let picture = truth.resampled(&grid).unwrap();
    (Projections::from_vec(geometry, values(&line)).unwrap(), picture, grid)
}

#[test]
fn a_finer_model_gives_a_better_picture() {
    let (data, truth, grid) = slice();
    for (name, gain) in [("tv: {weight: 5.0e-5, iterations: 300}", 1.0), ("sirt: {iterations: 200}", 0.5)] {
        let quality = |discretisation| psnr(&truth, &finer(name, &data, &grid, discretisation).volume);
        let (native, finer) = (quality(Discretisation::default()), quality(TWICE));
        assert!(finer > native + gain, "{name}: {native:.2} dB on the output grid, {finer:.2} dB on finer ones");
    }
}

#[test]
fn the_recommended_method_takes_the_finer_model_where_it_predicts_better_and_says_so() {
    let (data, truth, grid) = slice();
    let found = finer("best: {}", &data, &grid, Discretisation::default());
    let (took, candidates) = (&found.notes["took"], found.notes["candidates"].as_array().unwrap());
    let score = |note: &serde_json::Value| note["score"].as_f64().unwrap();
    assert_eq!(candidates.len(), 2);
    assert!(candidates.iter().all(|candidate| score(candidate) >= score(took)), "{candidates:?}");
    assert_eq!(took["lattice"], 2);
    let native = finer("tv: {weight: auto}", &data, &grid, Discretisation::default());
    let (best, native) = (psnr(&truth, &found.volume), psnr(&truth, &native.volume));
    assert!(best > native + 1.0, "{best:.2} dB, {native:.2} dB on the output grid");
}

/// A weight that is far too large removes contrast; the contrast that remains measures how strongly the method smooths.
#[test]
fn a_weight_means_the_same_on_every_lattice() {
    let (data, _, grid) = slice();
    for name in [
        "tv: {weight: 1.0e-2, iterations: 1000, tolerance: 1.0e-3}",
        "tgv: {weight: 1.0e-2, iterations: 600, tolerance: 1.0e-3}",
        "fista: {weight: 1.0e-2, iterations: 400}",
        "wls: {weight: 5.0, penalty: quadratic, iterations: 400, photons: 1.0e5}",
        "cgls: {tikhonov: {weight: 3.0, operator: gradient}, iterations: 60}",
    ] {
        let spread = |discretisation| {
            let found = finer(name, &data, &grid, discretisation).volume;
            let mean = found.as_slice().iter().sum::<f32>() / found.as_slice().len() as f32;
            found.as_slice().iter().map(|v| (v - mean).powi(2)).sum::<f32>().sqrt()
        };
        let (native, finer) = (spread(Discretisation::default()), spread(TWICE));
        assert!((finer / native - 1.0).abs() < 0.1, "{name}: {native} on the output grid, {finer} on finer ones");
    }
}

#[test]
fn one_lattice_and_one_ray_are_the_method_itself() {
    let (_, geometry, grid) = fitted("tv");
    let (data, _) = ball(&geometry, &grid);
    let name = "tv: {iterations: 20}";
    let plain = algorithm(name)
        .as_part()
        .reconstruct(&Problem::xrays(&data, &grid, MU_WATER), &mut Run::quiet(Device::Cpu, 7))
        .unwrap();
    assert_eq!(finer(name, &data, &grid, Discretisation::default()).volume, plain.volume);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_key() {
    for (text, key) in [
        ("lattice: 0", "discretisation.lattice"),
        ("lattice: 5", "discretisation.lattice"),
        ("{lattice: 2, sub_rays: 0}", "discretisation.sub_rays"),
    ] {
        let wrong: Discretisation = serde_yaml::from_str(text).unwrap();
        assert!(wrong.check().unwrap_err().to_string().starts_with(key), "{text}");
    }
    assert_eq!(serde_yaml::from_str::<Discretisation>("lattice: 3").unwrap().rays(), 3);
}
