//! Every algorithm of the registry with a scan that it accepts, and a ball to reconstruct.

use crate::common::scans::scan;
use recon::algorithms::{AlgorithmKind, Problem, Reconstruction, Run};
use recon::data::{Geometry, Grid, Projections, Volume};
use recon::error::Result;
use recon::phantoms::Phantom;
use recon::progress::{Checkpoints, StopSignal};
use recon::registry::{Kinds, OneOf};
use std::path::Path;
use tch::Device;

pub(super) const MU_WATER: f64 = 0.0206;
const BALL: &str = "{name: ball, source: test, extent_mm: 100, dimension: 3, shapes: [{ellipsoid: {center: [0.1, -0.2, \
 0.05], semi_axes: [0.5, 0.6, 0.4], density: 1}}]}";

pub(super) fn algorithm(text: &str) -> AlgorithmKind {
    let entry: OneOf<AlgorithmKind> = serde_yaml::from_str(text).unwrap();
    entry.kind
}

/// Returns every algorithm of the registry with a scan and a grid that it accepts; fits are small ones in place of the
/// default.
pub(super) fn kinds() -> Vec<(AlgorithmKind, Geometry, Grid)> {
    let grid = Grid::centered([16, 16, 16], [6.25; 3], [0.0; 3]).unwrap();
    let cone = scan(
        "cone: {views: 24, source_to_axis_mm: 500, source_to_detector_mm: 700, detector: {pixels: [26, 26], pitch_mm: \
         [8, 8]}}",
        &grid,
    );
    let parallel = scan("parallel: {views: 24, detector: {pixels: [20, 30], pitch_mm: [6, 6]}}", &grid);
    let small = "neural_field: {field: {siren: {width: 32, depth: 2, omega: 15}}, steps: 60, start: {tv: {iterations: \
     60, tolerance: 0}, steps: 300, batch: 512}, optimizer: {muon: {rate: 2.0e-3}}}";
    // `volume` needs a file: tests/program/pipelines.rs tests it. `radiance_field` takes pictures:
    // tests/program/nerf.rs tests it.
    AlgorithmKind::NAMES
        .iter()
        .filter(|name| !["volume", "radiance_field"].contains(name))
        .map(|&name| match name {
            "fbp" => (AlgorithmKind::default_of(name).unwrap(), parallel.clone(), grid.clone()),
            "neural_field" => (algorithm(small), cone.clone(), grid.clone()),
            // Without a penalty, least squares and likelihoods overshoot at the edge of the ball, and more with every
            // iteration.
            "cgls" | "lsqr" => {
                (algorithm(&format!("{name}: {{iterations: 10, nonnegative: true}}")), cone.clone(), grid.clone())
            }
            "mlem" => (algorithm("mlem: {iterations: 25}"), cone.clone(), grid.clone()),
            "osem" => (algorithm("osem: {iterations: 8}"), cone.clone(), grid.clone()),
            _ => (AlgorithmKind::default_of(name).unwrap(), cone.clone(), grid.clone()),
        })
        .collect()
}

/// Returns the algorithm of that name among [`kinds`].
pub(super) fn fitted(name: &str) -> (AlgorithmKind, Geometry, Grid) {
    kinds().into_iter().find(|(kind, ..)| kind.name() == name).unwrap()
}

pub(super) fn reconstruct(
    kind: &AlgorithmKind,
    data: &Projections,
    grid: &Grid,
    stop: &dyn StopSignal,
    checkpoints: &dyn Checkpoints,
) -> Result<Reconstruction> {
    let mut run = Run { stop, checkpoints, ..Run::quiet(Device::Cpu, 7) };
    kind.as_part().reconstruct(&Problem::xrays(data, grid, MU_WATER), &mut run)
}

pub(super) fn ball(geometry: &Geometry, grid: &Grid) -> (Projections, Volume) {
    let phantom = Phantom::parse(BALL, Path::new("ball")).unwrap();
    let data = Projections::from_vec(geometry.clone(), phantom.project(geometry, MU_WATER)).unwrap();
    (data, phantom.rasterise(grid, MU_WATER, 4))
}

pub(super) fn psnr(truth: &Volume, found: &Volume) -> f64 {
    let (low, high) = truth.range();
    let squares = truth.as_slice().iter().zip(found.as_slice()).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    10.0 * (f64::from(high - low).powi(2) * truth.as_slice().len() as f64 / squares).log10()
}

/// Returns the length (mm) of a ray in a ball, or in a cylinder about z (`upright`), for which the z of the centre does
/// not matter.
pub(super) fn chord((o, d): ([f64; 3], [f64; 3]), radius: f64, center: [f64; 3], upright: bool) -> f64 {
    let axes = if upright { 0..2 } else { 0..3 };
    let (mut a, mut b, mut c) = (0.0, 0.0, -radius * radius);
    for k in axes {
        a += d[k] * d[k];
        b += d[k] * (o[k] - center[k]);
        c += (o[k] - center[k]).powi(2);
    }
    2.0 * (b * b - a * c).max(0.0).sqrt() / a
}
