//! Tests of what a method may assume about its measurement: a solver that needs no rays solves any linear map, and
//! gives the same bits for a scan and for its projector as a plain linear map; other measurements are refused.

use super::support::{MU_WATER, algorithm, ball, kinds, psnr};
use crate::common::scans::scan;
use rand::seq::SliceRandom;
use recon::algorithms::{AlgorithmKind, Measured, Measurements, Problem, Run, Setup, Takes};
use recon::data::{Grid, Quantity, Volume};
use recon::error::Result;
use recon::operators::LinearOperator;
use recon::operators::xray::{self, Model};
use recon::random::stream;
use recon::registry::Kinds;
use tch::{Device, Kind, Tensor};

/// Number of voxels that are added to one measured value.
const TOGETHER: usize = 4;

/// A linear map that is no scan: each view adds the voxels of a grid in random groups of [`TOGETHER`], without rays,
/// detector or angles.
struct RandomSums {
    grid: Grid,
    /// For each view the indices of the voxels (int64), one group after the other.
    orders: Vec<Tensor>,
}

impl RandomSums {
    fn new(views: u64) -> Self {
        let grid = Grid::centered([6, 6, 6], [5.0; 3], [0.0; 3]).unwrap();
        let order = |view: u64| {
            let mut numbers: Vec<i64> = (0..grid.voxels() as i64).collect();
            numbers.shuffle(&mut stream(5, "random sums", view));
            Tensor::from_slice(&numbers)
        };
        Self { orders: (0..views).map(order).collect(), grid }
    }
}

impl LinearOperator for RandomSums {
    fn domain(&self) -> &Grid {
        &self.grid
    }

    fn range(&self) -> [usize; 3] {
        [self.orders.len(), 6, self.grid.voxels() / TOGETHER / 6]
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        let flat = volume.reshape(-1);
        let view =
            |order: &Tensor| flat.index_select(0, order).view([-1, TOGETHER as i64]).sum_dim_intlist(1, false, None);
        let views: Vec<Tensor> = self.orders.iter().map(view).collect();
        Ok(Tensor::stack(&views, 0).view(self.range().map(|n| n as i64)))
    }

    fn adjoint(&self, measurements: &Tensor) -> Result<Tensor> {
        let mut sum = Tensor::zeros([self.grid.voxels() as i64], (Kind::Float, Device::Cpu));
        for (order, view) in self.orders.iter().zip(measurements.unbind(0)) {
            let spread = view.reshape([-1, 1]).repeat([1, TOGETHER as i64]).view(-1);
            sum = sum.index_add(0, order, &spread);
        }
        Ok(sum.view(self.grid.shape.map(|n| n as i64)))
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        let orders = views.iter().map(|&view| self.orders[view].shallow_clone()).collect();
        Ok(Box::new(Self { grid: self.grid.clone(), orders }))
    }
}

/// Returns a block of water in air.
fn block(grid: &Grid) -> Volume {
    let inside = |n: usize| [n / 36, n / 6 % 6, n % 6].iter().all(|i| (1..5).contains(i));
    let values = (0..grid.voxels()).map(|n| if inside(n) { MU_WATER as f32 } else { 0.0 }).collect();
    Volume::from_vec(grid.clone(), Quantity::Attenuation, values).unwrap()
}

fn sums(truth: &Volume) -> Problem<'static> {
    let operator = RandomSums::new(24);
    let x = Tensor::from_slice(truth.as_slice()).view(truth.grid.shape.map(|n| n as i64));
    let values = operator.forward(&x).unwrap();
    Problem::linear(std::rc::Rc::new(operator), values, MU_WATER).unwrap()
}

/// Returns every algorithm of the registry that takes any linear measurement.
fn linear() -> Vec<AlgorithmKind> {
    let all = kinds().into_iter().map(|(kind, ..)| kind);
    all.filter(|kind| kind.as_part().takes() == Takes::Linear).collect()
}

#[test]
fn every_solver_that_needs_no_rays_solves_a_linear_map_that_is_no_scan() {
    let truth = block(&RandomSums::new(1).grid);
    let problem = sums(&truth);
    let all = linear();
    assert!(all.len() >= 10, "{} solvers", all.len());
    for kind in all {
        let found = kind.as_part().reconstruct(&problem, &mut Run::quiet(Device::Cpu, 7)).unwrap();
        let quality = psnr(&truth, &found.volume);
        assert!(quality > 20.0, "{}: {quality:.2} dB", kind.name());
    }
    // The views that are held out to choose the weight may be those of any linear map.
    let auto = algorithm("tv: {weight: auto}");
    let found = auto.as_part().reconstruct(&problem, &mut Run::quiet(Device::Cpu, 7)).unwrap();
    assert!(found.notes["weights_tried"].as_array().unwrap().len() > 3 && psnr(&truth, &found.volume) > 25.0);
}

#[test]
fn a_scan_as_a_plain_linear_map_gives_the_same_bits() {
    let grid = Grid::centered([16, 16, 16], [6.25; 3], [0.0; 3]).unwrap();
    let geometry = scan("parallel: {views: 24, detector: {pixels: [20, 30], pitch_mm: [6, 6]}}", &grid);
    let (data, _) = ball(&geometry, &grid);
    let scanned = Problem::xrays(&data, &grid, MU_WATER);
    let operator = xray::build(Model::Joseph, &grid, &geometry, Device::Cpu).unwrap();
    let plain = Problem::linear(operator.into(), scanned.values(Device::Cpu).unwrap(), MU_WATER).unwrap();
    for kind in linear() {
        let run = |problem: &Problem<'_>| kind.as_part().reconstruct(problem, &mut Run::quiet(Device::Cpu, 7)).unwrap();
        assert!(run(&scanned).volume == run(&plain).volume, "{} looked at more than the operator", kind.name());
    }
}

#[test]
fn a_measurement_that_a_method_does_not_take_is_refused_by_name_and_says_what_to_take() {
    let problem = sums(&block(&RandomSums::new(1).grid));
    let (_, geometry, grid) = kinds().remove(0);
    let pictures = Setup { grid: &grid, measured: Measured::Pictures { pixels: [8, 8], training: 5, held_out: 2 } };
    let setups = [(Setup::xrays(&geometry, &grid), "X-ray"), (problem.setup(), "linear"), (pictures, "pictures")];
    let mut refused = 0;
    for name in AlgorithmKind::NAMES.iter().filter(|name| **name != "volume") {
        let kind = AlgorithmKind::default_of(name).unwrap();
        for (setup, what) in &setups {
            let takes = match kind.as_part().takes() {
                Takes::Linear => *what != "pictures",
                Takes::Xrays => *what == "X-ray",
                Takes::Pictures => *what == "pictures",
            };
            if takes {
                continue;
            }
            refused += 1;
            let error = kind.as_part().accept(setup).unwrap_err().to_string();
            let wanted = match (kind.as_part().takes(), *what) {
                (Takes::Pictures, _) => "it takes pictures",
                (_, "pictures") => "it takes X-ray projections",
                _ => "it needs the rays of X-ray projections",
            };
            assert!(error.contains("help: ") && error.starts_with(wanted), "{name} of {what}: {error}");
        }
    }
    assert!(refused > 15, "{refused} measurements were refused");
    // Photon statistics, and the mask of the voxels that rays through air cross, exist for X-rays only.
    let noisy = algorithm("tv: {noise: {photons: 1000}}");
    assert!(noisy.as_part().accept(&problem.setup()).unwrap_err().to_string().starts_with("noise"));
    let masked = algorithm("sirt: {mask: projections}");
    let error = masked.as_part().reconstruct(&problem, &mut Run::quiet(Device::Cpu, 7)).unwrap_err();
    assert!(error.to_string().starts_with("mask"), "{error}");
}

#[test]
fn a_part_of_the_views_is_the_problem_of_those_views() {
    let whole = sums(&block(&RandomSums::new(1).grid));
    let [kept, out] = whole.split(4, 1).unwrap();
    assert_eq!((kept.setup().views(), out.setup().views(), whole.setup().views()), (18, 6, 24));
    let Measurements::Linear { operator, .. } = &out.measurements else { panic!("another measurement") };
    let x = Tensor::rand([6, 6, 6], (Kind::Float, Device::Cpu));
    let all = whole.operator(Device::Cpu).unwrap().forward(&x).unwrap();
    let numbers = Tensor::from_slice(&[3i64, 7, 11, 15, 19, 23]);
    assert_eq!(operator.forward(&x).unwrap(), all.index_select(0, &numbers));
    assert_eq!(out.values(Device::Cpu).unwrap(), whole.values(Device::Cpu).unwrap().index_select(0, &numbers));
    let wrong = Tensor::zeros([2, 2], (Kind::Float, Device::Cpu));
    let Measurements::Linear { operator, .. } = whole.measurements else { panic!("another measurement") };
    assert!(Problem::linear(operator, wrong, MU_WATER).is_err());
}
