//! Compares projection and backprojection on a GPU with those on the CPU, on scans of every kind and size.

use super::stub_or_skip;
use crate::adjoint::odd_setup;
use crate::common::scans::{cone, distance, noise, product, setups};
use recon::data::{Geometry, Grid, Source};
use recon::operators::LinearOperator;
use recon::operators::xray::device::{OnCard, backproject};
use recon::operators::xray::kernels;
use recon::tensors::cuda::Card;
use recon::tensors::{from_slice, to_vec};
use std::sync::Arc;
use tch::Device;

const STREAM: &str = "0x5000";

/// Returns the scans of the CPU's tests, a helix, an oblique orbit, and the smallest cases: grids and detectors of one
/// voxel or one pixel, and odd numbers.
fn scans() -> Vec<(String, Grid, Geometry)> {
    let mut all: Vec<_> =
        setups().into_iter().map(|(name, grid, geometry)| (name.to_string(), grid, geometry)).collect();
    let cube = Grid::centered([17, 15, 13], [2.0, 1.8, 2.2], [3.0, -2.0, 1.0]).unwrap();
    let mut helix = cone(9, [11, 23], [3.0, 3.0], [0.0; 2], 200.0);
    for (turn, view) in helix.views.iter_mut().enumerate() {
        let rise = 3.0 * (turn as f64 - 4.0);
        view.center[2] += rise;
        if let Source::Point(source) = &mut view.source {
            source[2] += rise;
        }
    }
    let (s, c) = 0.9f64.sin_cos();
    let oblique = cone(7, [13, 15], [4.0, 4.0], [3.0, 1.0], 150.0)
        .moved([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]], [2.0, -3.0, 4.0]);
    all.push(("helix".to_string(), cube.clone(), helix));
    all.push(("oblique orbit".to_string(), cube.clone(), oblique));
    for shape in [[1, 1, 1], [1, 1, 7], [2, 1, 1], [3, 5, 1]] {
        let grid = Grid::centered(shape, [3.0; 3], [0.5, 0.0, 0.0]).unwrap();
        all.push((format!("grid {shape:?}"), grid.clone(), cone(5, [5, 7], [1.5, 1.5], [0.0; 2], 90.0)));
        all.push((format!("grid {shape:?}, one pixel"), grid, cone(5, [1, 1], [1.5, 1.5], [0.0; 2], 90.0)));
    }
    all.push(("one pixel".to_string(), cube, cone(5, [1, 1], [2.0, 2.0], [0.0; 2], 90.0)));
    all
}

fn on_card(card: &Arc<Card>, grid: &Grid, geometry: &Geometry, x: &[f32], y: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let operator = OnCard::new(card.clone(), grid, geometry).unwrap();
    let volume = from_slice(x, &grid.shape, Device::Cpu).unwrap();
    let projections = from_slice(y, &geometry.shape(), Device::Cpu).unwrap();
    (to_vec(&operator.forward(&volume).unwrap()).unwrap(), to_vec(&operator.adjoint(&projections).unwrap()).unwrap())
}

#[test]
fn joseph_on_a_card_is_joseph_on_the_cpu_and_its_adjoint_is_exact() {
    let stub = stub_or_skip!();
    let card = stub.card();
    for (name, grid, geometry) in scans() {
        let (x, y) = (noise(grid.voxels(), 1), noise(geometry.samples(), 2));
        let (ax, aty) = on_card(&card, &grid, &geometry, &x, &y);
        let (mut forward, mut adjoint) = (vec![0.0; ax.len()], vec![0.0; aty.len()]);
        kernels::joseph::forward(&grid, &geometry.views, &geometry.detector, &x, &mut forward);
        kernels::joseph::adjoint(&grid, &geometry.views, &geometry.detector, &y, &mut adjoint);
        assert!(product(&forward, &forward) > 0.0, "{name}: no ray meets the grid");
        let gaps = [distance(&ax, &forward), distance(&aty, &adjoint)];
        assert!(gaps.iter().all(|&gap| gap <= 1e-5), "{name}: forward and adjoint differ by {gaps:?}");
        let gap = (product(&ax, &y) - product(&x, &aty)).abs() / (product(&ax, &ax) * product(&y, &y)).sqrt();
        assert!(gap <= 1e-6, "{name}: adjoint gap {gap:e}");
    }
}

#[test]
fn random_scans_are_projected_alike_and_their_adjoint_is_exact() {
    let stub = stub_or_skip!();
    let card = stub.card();
    let mut met = 0;
    for seed in 0..300 {
        let Some((grid, geometry)) = odd_setup(seed) else { continue };
        let (x, y) = (noise(grid.voxels(), 8), noise(geometry.samples(), 9));
        let (ax, aty) = on_card(&card, &grid, &geometry, &x, &y);
        let mut forward = vec![0.0; ax.len()];
        kernels::joseph::forward(&grid, &geometry.views, &geometry.detector, &x, &mut forward);
        // The weights of rays that graze the edge of the grid are as small as their rounding errors, so that errors are
        // taken relative to a tenth of a voxel at least.
        let edge = 0.1 * grid.spacing.iter().copied().fold(0.0, f64::max);
        let size = product(&forward, &forward).sqrt();
        met += usize::from(size > 0.0);
        let size = size.max(edge);
        let error = ax.iter().zip(&forward).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
        // The CPU itself may differ from the definition by 3e-5 (tests/contracts/adjoint.rs).
        assert!(error <= 4e-5 * size, "{seed}: {error} of {size}, {grid:?} {geometry:?}");
        let gap = (product(&ax, &y) - product(&x, &aty)).abs() / (size * product(&y, &y).sqrt());
        assert!(gap <= 1e-6, "{seed}: adjoint gap {gap:e}, {grid:?} {geometry:?}");
    }
    assert!(met > 100, "only {met} scans meet the grid");
}

#[test]
fn backprojection_on_a_card_is_that_of_the_cpu() {
    let stub = stub_or_skip!();
    let card = stub.card();
    for (name, grid, geometry) in scans().into_iter().filter(|(name, ..)| !name.contains("source in the grid")) {
        let filtered = noise(geometry.samples(), 3);
        let found = backproject(&card, &grid, &geometry, &filtered).unwrap();
        let mut expected = vec![0.0; grid.voxels()];
        kernels::backproject::fdk(&grid, &geometry, &filtered, &mut expected);
        let size = product(&expected, &expected);
        let error: f64 = found.iter().zip(&expected).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        assert!(error.sqrt() <= 1e-5 * size.sqrt(), "{name}: {error} of {size}");
        // The two voxels of this grid project 1.5 pixels above and below the only pixel.
        assert_eq!(size > 0.0, name != "grid [2, 1, 1], one pixel", "{name}: {size}");
    }
}

#[test]
fn a_projection_queues_its_kernels_on_libtorchs_stream_and_waits_for_none() {
    let stub = stub_or_skip!();
    let card = stub.card();
    let (_, grid, geometry) = setups().swap_remove(0);
    let (x, y) = (noise(grid.voxels(), 1), noise(geometry.samples(), 2));
    on_card(&card, &grid, &geometry, &x, &y);
    let blocks = |threads: usize| threads.div_ceil(256);
    let launch = |name: &str, threads: usize| format!("launch {name} {} 256 {STREAM}", blocks(threads));
    let rays = geometry.samples();
    let forward = [launch("joseph_rays", rays), launch("joseph_forward", rays)];
    let adjoint = [launch("joseph_rays", rays), launch("joseph_adjoint", grid.voxels())];
    assert_eq!(stub.log(), [&["compile".to_string()][..], &forward, &adjoint].concat());
    // A second GPU object finds the compiled kernels in the cache on disk, as another process would.
    on_card(&stub.card(), &grid, &geometry, &x, &y);
    assert_eq!(stub.log(), [forward, adjoint].concat());
}

#[test]
fn where_memory_runs_out_half_as_many_views_are_taken_with_the_same_bits() {
    let (_, grid, geometry) = setups().swap_remove(0);
    let (x, y) = (noise(grid.voxels(), 1), noise(geometry.samples(), 2));
    let good = stub_or_skip!();
    let expected = on_card(&good.card(), &grid, &geometry, &x, &y);
    let rays = |log: Vec<String>| log.iter().filter(|line| line.starts_with("launch joseph_rays")).count();
    assert_eq!(rays(good.log()), 2, "all views at once");
    // The first, second and fourth launch fail: 9 views become 4, then 2, then 1.
    let scarce = stub_or_skip!("FAIL=1,2,4");
    let found = on_card(&scarce.card(), &grid, &geometry, &x, &y);
    assert!(found == expected, "other sums");
    assert!(rays(scarce.log()) >= 9 + 9, "one view at a time");
    let full = stub_or_skip!("FULL", "FREE=(7ull<<20)");
    let operator = OnCard::new(full.card(), &grid, &geometry).unwrap();
    let error = operator.forward(&from_slice(&x, &grid.shape, Device::Cpu).unwrap()).unwrap_err();
    let said = error.to_string();
    assert_eq!(error.exit_code(), 5);
    assert!(said.contains("view by view takes 1 MiB, free are 7 of 7 MiB"), "{said}");
}
