//! The gradient of every field through every integrator is the finite difference of the forward-only loss, in f64, with
//! jitter and ray subset frozen by the step number.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]

use rand::RngExt;
use recon::data::{Geometry, Grid};
use recon::fields::integrators::{Integrator, IntegratorKind, Objective, Residual};
use recon::fields::regularizers::{RegularizerKind, huber_tv};
use recon::fields::{Field, FieldKind};
use recon::geometries::GeometryKind;
use recon::random::stream;
use recon::registry::{Kinds, OneOf};
use tch::{Device, Kind, Tensor};

const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

fn random(shape: &[usize], seed: u64) -> Tensor {
    let mut random = stream(seed, "test", 0);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.random_range(-1.0..1.0)).collect();
    Tensor::from_slice(&values).view(&shape.iter().map(|&n| n as i64).collect::<Vec<_>>()[..])
}

fn scan(grid: &Grid) -> Geometry {
    let text = if grid.is_2d() {
        "parallel: {views: 3, detector: {pixels: 9, pitch_mm: 1.0}}"
    } else {
        "cone: {views: 3, source_to_axis_mm: 50, source_to_detector_mm: 80, detector: {pixels: [7, 9], pitch_mm: [1.5, 1.5]}}"
    };
    let kind: OneOf<GeometryKind> = serde_yaml::from_str(text).unwrap();
    kind.kind.build(grid).unwrap()
}

fn objective(grid: &Grid, chunk: usize) -> Objective {
    let geometry = scan(grid);
    let data = random(&geometry.shape(), 3) * 5.0;
    // Not every voxel is in the support, and chunks cut it unevenly.
    let support: Vec<i64> = (0..grid.voxels() as i64).filter(|n| n % 7 != 3).collect();
    Objective {
        grid: grid.clone(),
        geometry,
        model: recon::projectors::Model::Joseph,
        data,
        norm_squared: 40.0,
        tv: 0.01,
        regularizers: vec![RegularizerKind::HuberTv(huber_tv::Config { weight: 0.02, delta: 0.1 })],
        support: Tensor::from_slice(&support),
        chunk,
        seed: 5,
        options: F64,
    }
}

/// (finite difference, gradient) along one random direction in the parameters.
fn slopes(field: &dyn Field, integrator: &dyn Integrator, objective: &Objective, residual: Residual) -> (f64, f64) {
    let directions: Vec<Tensor> = field
        .parameters()
        .iter()
        .enumerate()
        .map(|(k, p)| random(&p.value.size().iter().map(|&n| n as usize).collect::<Vec<_>>(), 100 + k as u64))
        .collect();
    let step = 4;
    let shift = |h: f64| field.parameters().iter().zip(&directions).for_each(|(p, d)| drop(p.value.detach().g_add_(&(d * h))));
    let loss = |h: f64| {
        shift(h);
        let loss = integrator.loss(field, objective, residual, step).unwrap().total();
        shift(-h);
        loss
    };
    let h = 1e-6;
    let finite = (loss(h) - loss(-h)) / (2.0 * h);
    let forward = loss(0.0);
    let total = integrator.accumulate(field, objective, residual, step).unwrap().total();
    assert!((total - forward).abs() <= 1e-12 * forward.abs(), "accumulate reports {total}, the forward-only loss is {forward}");
    let exact = field.parameters().iter().zip(&directions).map(|(p, d)| (p.value.grad() * d).sum(Kind::Double).double_value(&[])).sum();
    (finite, exact)
}

fn fields(inputs: usize) -> impl Iterator<Item = (&'static str, Box<dyn Field>)> {
    FieldKind::NAMES.iter().map(move |name| (*name, FieldKind::default_of(name).unwrap().as_part().build(inputs, 1, F64).unwrap()))
}

fn integrators() -> Vec<(String, IntegratorKind)> {
    let mut all: Vec<_> = IntegratorKind::NAMES.iter().map(|name| (name.to_string(), IntegratorKind::default_of(name).unwrap())).collect();
    let jittered: OneOf<IntegratorKind> = serde_yaml::from_str("lattice: {jitter: 0.8}").unwrap();
    all.push(("jittered lattice".into(), jittered.kind));
    all
}

fn check(grid: &Grid, inputs: usize) {
    for (name, field) in fields(inputs) {
        for (form, integrator) in integrators() {
            let integrator = integrator.as_part();
            for residual in [Residual::Plain, Residual::Ramp] {
                if residual == Residual::Ramp && !integrator.whole_projections() {
                    continue;
                }
                field.parameters().iter().for_each(|p| {
                    if p.value.grad().defined() {
                        drop(p.value.grad().zero_());
                    }
                });
                let (finite, exact) = slopes(field.as_ref(), integrator, &objective(grid, 50), residual);
                assert!((finite - exact).abs() <= 1e-5 * finite.abs().max(1e-3), "{name}, {form}, {residual:?}: {finite} and {exact}");
            }
        }
    }
}

#[test]
fn gradients_are_finite_differences_in_3d() {
    check(&Grid::centered([5, 6, 7], [1.2, 1.0, 0.9], [1.0, 2.0, 3.0]).unwrap(), 3);
}

#[test]
fn gradients_are_finite_differences_in_2d() {
    check(&Grid::centered([1, 6, 7], [1.0, 1.0, 0.9], [0.0; 3]).unwrap(), 2);
}

#[test]
fn the_chunk_size_changes_memory_and_not_the_gradient() {
    let grid = Grid::centered([5, 6, 7], [1.2, 1.0, 0.9], [0.0; 3]).unwrap();
    let (_, field) = fields(3).next().unwrap();
    let integrator = IntegratorKind::default_of("lattice").unwrap();
    let gradient = |chunk| {
        field.parameters().iter().for_each(|p| {
            if p.value.grad().defined() {
                drop(p.value.grad().zero_());
            }
        });
        integrator.as_part().accumulate(field.as_ref(), &objective(&grid, chunk), Residual::Plain, 0).unwrap();
        field.parameters()[2].value.grad().copy()
    };
    let (small, large) = (gradient(17), gradient(1 << 20));
    assert!((&small - &large).norm().double_value(&[]) <= 1e-12 * large.norm().double_value(&[]));
}
