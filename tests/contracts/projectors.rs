//! Compares the tensor projector with the CPU kernels: they are the same operator, and the adjoint of each is its
//! transpose.

use crate::common::scans::{random, scan};
use recon::data::{Geometry, Grid};
use recon::operators::xray::{CpuProjector, Model, Sampling, TensorJoseph, build};
use recon::operators::{LinearOperator, Weighted, norm_squared};
use tch::{Device, Kind, Tensor};

/// Returns a slice, a box and an oblique box, each with scans from all sides, one of them with a shifted detector.
fn cases() -> Vec<(Grid, Geometry)> {
    let slice = Grid::centered([1, 12, 15], [1.0, 1.0, 0.8], [3.0, 2.0, 0.0]).unwrap();
    let cube = Grid::centered([9, 10, 11], [1.2, 1.0, 0.8], [1.0, 2.0, 3.0]).unwrap();
    let (s, c) = 0.4f64.sin_cos();
    let oblique =
        Grid::new([9, 10, 11], [1.0; 3], [-6.0, -5.0, -4.0], [[0.0, -s, c], [0.0, c, s], [1.0, 0.0, 0.0]]).unwrap();
    let parallel_2d = "parallel: {views: 7, detector: {pixels: 20, pitch_mm: 1.0}}";
    let parallel_3d = "parallel: {views: 7, detector: {pixels: [12, 20], pitch_mm: [1.1, 0.9]}}";
    let cone = "cone: {views: 7, source_to_axis_mm: 40, source_to_detector_mm: 70, detector: {pixels: [14, 20], \
     pitch_mm: [1.7, 1.6], offset_mm: [1.0, 4.0]}}";
    vec![
        (slice.clone(), scan(parallel_2d, &slice)),
        (cube.clone(), scan(parallel_3d, &cube)),
        (cube.clone(), scan(cone, &cube)),
        (oblique.clone(), scan(cone, &oblique)),
    ]
}

#[test]
fn kernels_and_tensor_operations_agree_forward_and_back() {
    for (grid, geometry) in cases() {
        let (host, tensor) =
            (CpuProjector::new(Model::Joseph, &grid, &geometry), TensorJoseph::new(&grid, &geometry, 1000));
        let (x, y) = (random(grid.shape, 1), random(geometry.shape(), 2));
        for (a, b) in [(host.forward(&x), tensor.forward(&x)), (host.adjoint(&y), tensor.adjoint(&y))] {
            let (a, b) = (a.unwrap(), b.unwrap());
            let difference = (&a - &b).norm().double_value(&[]) / b.norm().double_value(&[]);
            assert!(difference < 2e-6, "relative difference {difference} for {:?}", grid.shape);
        }
    }
}

#[test]
fn every_model_is_a_pair_of_tensors_by_its_word_and_takes_other_kinds() {
    for (word, model) in ["joseph", "siddon", "distance-driven"].into_iter().zip(Model::ALL) {
        assert_eq!(serde_yaml::from_str::<Model>(word).unwrap(), model);
        for (grid, geometry) in cases() {
            let projector = build(model, &grid, &geometry, Device::Cpu).unwrap();
            let (x, y) = (random(grid.shape, 5), random(geometry.shape(), 6));
            let (ax, aty) = (projector.forward(&x).unwrap(), projector.adjoint(&y).unwrap());
            let inner = |a: &Tensor, b: &Tensor| {
                (a.to_kind(Kind::Double) * b.to_kind(Kind::Double)).sum(Kind::Double).double_value(&[])
            };
            assert!(
                (inner(&ax, &y) - inner(&x, &aty)).abs() <= 1e-5 * (inner(&ax, &ax) * inner(&y, &y)).sqrt(),
                "{word}"
            );
            let double = projector.forward(&x.to_kind(Kind::Double)).unwrap();
            assert!(double.kind() == Kind::Double && double.to_kind(Kind::Float) == ax);
        }
    }
}

#[test]
fn tensor_operations_are_an_exact_pair_in_f64() {
    for (grid, geometry) in cases() {
        let projector = TensorJoseph::new(&grid, &geometry, 1000);
        let (x, y) = (random(grid.shape, 3).to_kind(Kind::Double), random(geometry.shape(), 4).to_kind(Kind::Double));
        let (ax, aty) = (projector.forward(&x).unwrap(), projector.adjoint(&y).unwrap());
        let inner = |a: &Tensor, b: &Tensor| (a * b).sum(Kind::Double).double_value(&[]);
        let scale = ax.norm().double_value(&[]) * y.norm().double_value(&[]);
        assert!((inner(&ax, &y) - inner(&x, &aty)).abs() <= 1e-13 * scale);
    }
}

#[test]
fn the_power_method_finds_the_largest_eigenvalue() {
    let (grid, geometry) = cases().remove(0);
    let projector = TensorJoseph::new(&grid, &geometry, 1 << 16);
    // The reference is the largest singular value, by libtorch's SVD, of the dense matrix that is built column by
    // column.
    let columns: Vec<Tensor> = (0..grid.voxels())
        .map(|n| {
            let mut unit = vec![0.0f64; grid.voxels()];
            unit[n] = 1.0;
            projector.forward(&Tensor::from_slice(&unit).view(grid.shape.map(|n| n as i64))).unwrap().view(-1)
        })
        .collect();
    let largest = Tensor::stack(&columns, 1).svd(true, false).1.max().double_value(&[]).powi(2);
    let found = norm_squared(&projector, Device::Cpu, 15).unwrap();
    assert!((found / largest - 1.0).abs() < 1e-3, "{found} for {largest}");
}

#[test]
fn a_scan_that_misses_the_grid_is_a_configuration_error() {
    let grid = Grid::centered([9, 10, 11], [1.0; 3], [0.0; 3]).unwrap();
    let far = Grid::centered([9, 10, 11], [1.0; 3], [0.0, 0.0, 500.0]).unwrap();
    let geometry = scan("parallel: {views: 3, detector: {pixels: [5, 5], pitch_mm: [1.0, 1.0]}}", &far);
    let error = norm_squared(&CpuProjector::new(Model::Joseph, &grid, &geometry), Device::Cpu, 5).unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn the_operator_of_some_views_is_those_rows_of_the_operator() {
    let views = [5, 0, 3];
    for (grid, geometry) in cases() {
        let sampling = |model, sub_rays| build(Sampling { model, sub_rays }, &grid, &geometry, Device::Cpu).unwrap();
        let factors = random(geometry.shape(), 9).abs();
        let operators: [Box<dyn LinearOperator>; 5] = [
            sampling(Model::Joseph, 1),
            sampling(Model::Siddon, 1),
            sampling(Model::Joseph, 2),
            Box::new(TensorJoseph::new(&grid, &geometry, 1000)),
            Box::new(Weighted { operator: sampling(Model::Joseph, 1), factors }),
        ];
        let (x, numbers) = (random(grid.shape, 7), Tensor::from_slice(&views.map(|view| view as i64)));
        for (which, operator) in operators.iter().enumerate() {
            let (some, all) = (operator.subset(&views).unwrap(), operator.forward(&x).unwrap());
            let rows = all.index_select(0, &numbers);
            assert_eq!(some.range().map(|n| n as i64).as_slice(), rows.size(), "operator {which}");
            let difference = (some.forward(&x).unwrap() - &rows).norm().double_value(&[]);
            assert!(difference <= 1e-6 * rows.norm().double_value(&[]), "operator {which}: {difference}");
            // The adjoint of the rows is that of all rows with zeros in the others' place.
            let y = random(some.range(), 8);
            let spread = Tensor::zeros(all.size(), (Kind::Float, Device::Cpu)).index_copy(0, &numbers, &y);
            let (part, whole) = (some.adjoint(&y).unwrap(), operator.adjoint(&spread).unwrap());
            let difference = (&part - &whole).norm().double_value(&[]);
            assert!(difference <= 1e-6 * whole.norm().double_value(&[]), "operator {which} back: {difference}");
            assert!(operator.subset(&[geometry.views.len()]).is_err());
        }
    }
}
