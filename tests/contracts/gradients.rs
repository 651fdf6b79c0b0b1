//! Compares the gradient of every field through every integrator with finite differences of the forward-only loss, in
//! f64. The step number determines the jitter and the subset of rays, so that both use the same ones.

use rand::RngExt;
use recon::data::{Geometry, Grid};
use recon::fields::activations::ActivationKind;
use recon::fields::encodings::EncodingKind;
use recon::fields::regularizers::{RegularizerKind, tikhonov};
use recon::fields::{Domain, Field, FieldKind, Parameter, Role};
use recon::geometries::GeometryKind;
use recon::random::stream;
use recon::registry::{Kinds, OneOf};
use recon::renderers::line_integral::{Integrator, IntegratorKind, Objective, Residual};
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
        "cone: {views: 3, source_to_axis_mm: 50, source_to_detector_mm: 80, detector: {pixels: [7, 9], pitch_mm: [1.5, \
         1.5]}}"
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
        sampling: recon::operators::xray::Model::Joseph.into(),
        weights: Some(random(&geometry.shape(), 4).square() + 0.1),
        geometry,
        data,
        norm_squared: 40.0,
        finer: 1.0,
        scale: 0.7,
        tv: 0.01,
        // The regularizer is smooth: a finite difference across a kink is not a derivative.
        regularizers: vec![RegularizerKind::Tikhonov(tikhonov::Config { weight: 0.02 })],
        support: Tensor::from_slice(&support),
        chunk,
        seed: 5,
        options: F64,
    }
}

/// The mean penalty of a smooth volume hardly changes when its voxels are halved, because weights, and the height from
/// which a regularizer takes a step for an edge, refer to the voxels of the output grid.
#[test]
fn regularisers_mean_the_same_on_a_finer_grid() {
    let penalty = |voxels: usize, finer: f64, regularizer: &RegularizerKind, integrator: &IntegratorKind| {
        let grid = Grid::centered([1, voxels, voxels], [24.0 / voxels as f64; 3], [0.0; 3]).unwrap();
        let at = (Tensor::arange(voxels as i64, F64) + 0.5) / voxels as f64;
        let volume = ((&at * 3.0).sin().view([1, -1, 1]) * (&at * 4.0).cos().view([1, 1, -1])) * 0.4;
        let field = FieldKind::default_of("voxels").unwrap().as_part().build(&Domain::of(&grid), 0, F64).unwrap();
        field.adopt(&volume).unwrap();
        let objective = Objective {
            finer,
            tv: 0.0,
            regularizers: vec![regularizer.clone()],
            support: Tensor::arange(grid.voxels() as i64, (Kind::Int64, Device::Cpu)),
            ..objective(&grid, 4096)
        };
        let loss = integrator.as_part().loss(field.as_ref(), &objective, Residual::Plain, 0, &None).unwrap();
        loss.regularizer / grid.voxels() as f64
    };
    for text in ["lattice", "rays: {rays: 1, tv_voxels: 20000}"] {
        let integrator: OneOf<IntegratorKind> = serde_yaml::from_str(text).unwrap();
        for name in RegularizerKind::NAMES {
            let kind = RegularizerKind::default_of(name).unwrap();
            let [picture, finer] = [(24, 1.0), (48, 2.0)].map(|(n, finer)| penalty(n, finer, &kind, &integrator.kind));
            assert!(picture > 0.0 && (finer / picture - 1.0).abs() < 0.06, "{name}, {text}: {picture} and {finer}");
        }
    }
}

/// The regularizers of random voxels equal those of all voxels in the mean; the far faces of the grid count as with the
/// integrator `lattice`.
#[test]
fn random_voxels_estimate_the_regularisers_of_the_lattice_up_to_the_faces() {
    let grid = Grid::centered([1, 5, 4], [2.0; 3], [0.0; 3]).unwrap();
    let field = FieldKind::default_of("voxels").unwrap().as_part().build(&Domain::of(&grid), 0, F64).unwrap();
    // Only the voxels at the far faces are dense: if these faces were left out, the penalties would be those of air.
    let volume = Tensor::zeros([1, 5, 4], F64);
    let _ = volume.narrow(1, 4, 1).fill_(-0.6);
    let _ = volume.narrow(2, 3, 1).fill_(-0.5);
    field.adopt(&volume).unwrap();
    for name in RegularizerKind::NAMES {
        let objective = Objective {
            tv: 0.3,
            regularizers: vec![RegularizerKind::default_of(name).unwrap()],
            support: Tensor::arange(20, (Kind::Int64, Device::Cpu)),
            ..objective(&grid, 4096)
        };
        let [lattice, rays] = ["lattice", "rays: {rays: 1, tv_voxels: 200000}"].map(|text| {
            let integrator: OneOf<IntegratorKind> = serde_yaml::from_str(text).unwrap();
            let loss = integrator.kind.as_part().loss(field.as_ref(), &objective, Residual::Plain, 0, &None);
            loss.unwrap().regularizer
        });
        assert!(lattice > 0.0 && (rays / lattice - 1.0).abs() < 0.02, "{name}: {lattice} and {rays}");
    }
}

fn trained(field: &dyn Field) -> Vec<&Parameter> {
    field.parameters().iter().filter(|p| p.role != Role::Frozen).collect()
}

fn clear(field: &dyn Field) {
    for parameter in field.parameters() {
        if parameter.value.grad().defined() {
            drop(parameter.value.grad().zero_());
        }
    }
}

/// Returns the finite difference of the loss and the gradient, both along one random direction of the parameters.
fn slopes(field: &dyn Field, integrator: &dyn Integrator, objective: &Objective, residual: Residual) -> (f64, f64) {
    let shape = |p: &Parameter| p.value.size().iter().map(|&n| n as usize).collect::<Vec<_>>();
    let directions: Vec<Tensor> =
        trained(field).iter().enumerate().map(|(k, p)| random(&shape(p), 100 + k as u64)).collect();
    let step = 4;
    // The state that an integrator keeps from earlier steps, if it has any.
    let mut memory = None;
    integrator.accumulate(field, objective, residual, step - 1, &mut memory).unwrap();
    clear(field);
    let shift =
        |h: f64| trained(field).iter().zip(&directions).for_each(|(p, d)| drop(p.value.detach().g_add_(&(d * h))));
    let loss = |h: f64| {
        shift(h);
        let loss = integrator.loss(field, objective, residual, step, &memory).unwrap().total();
        shift(-h);
        loss
    };
    let h = 1e-6;
    let finite = (loss(h) - loss(-h)) / (2.0 * h);
    let forward = loss(0.0);
    let total = integrator.accumulate(field, objective, residual, step, &mut memory).unwrap().total();
    assert!(
        (total - forward).abs() <= 1e-12 * forward.abs(),
        "accumulate reports {total}, the forward-only loss is {forward}"
    );
    let exact = trained(field)
        .iter()
        .zip(&directions)
        .map(|(p, d)| (p.value.grad() * d).sum(Kind::Double).double_value(&[]))
        .sum();
    (finite, exact)
}

fn fields(domain: &Domain) -> impl Iterator<Item = (String, Box<dyn Field>)> {
    // Small tables keep the test fast; a kind that is not named here has its defaults.
    let small = |name: &'static str| match name {
        "mlp" => "mlp: {encoding: {dense_grid: {resolutions: [2, 5]}}, width: 16}",
        name => name,
    };
    FieldKind::NAMES.iter().map(move |name| {
        let kind: OneOf<FieldKind> = serde_yaml::from_str(small(name)).unwrap();
        ((*name).to_string(), kind.kind.as_part().build(domain, 2, F64).unwrap())
    })
}

/// Returns networks with every encoding (and ReLU), and with every activation on bare coordinates and on a hash grid.
/// Small tables keep the test fast.
fn networks(domain: &Domain) -> Vec<(String, Box<dyn Field>)> {
    let small = |name: &str| match name {
        "hash_grid" => "hash_grid: {levels: 3, log2_table: 7, base: 2, finest: 16}".to_string(),
        "dense_grid" => "dense_grid: {resolutions: [2, 5], features: 3}".to_string(),
        "tri_plane" => "tri_plane: {resolution: 9, features: 5}".to_string(),
        "fourier" => "fourier: {features: 10}".to_string(),
        name => name.to_string(),
    };
    let mut pairs: Vec<(String, String)> =
        EncodingKind::NAMES.iter().map(|encoding| (small(encoding), "relu".into())).collect();
    pairs.push(("tri_plane: {resolution: 9, features: 5, combine: product}".into(), "relu".into()));
    for activation in ActivationKind::NAMES {
        pairs.extend(["identity", "hash_grid"].map(|encoding| (small(encoding), (*activation).to_string())));
    }
    let text = |(encoding, activation): &(String, String)| {
        let encoding = if encoding.contains(':') { format!("{{{encoding}}}") } else { encoding.clone() };
        format!(
            "mlp: {{encoding: {encoding}, activation: {activation}, width: 12, depth: 3, skip: [2], output: softplus}}"
        )
    };
    let kinds = pairs.iter().map(text).map(|text| (serde_yaml::from_str::<OneOf<FieldKind>>(&text).unwrap(), text));
    let kinds = kinds.filter(|(kind, _)| domain.inputs == 3 || kind.kind.as_part().check(domain).is_ok());
    kinds.map(|(kind, text)| (text, kind.kind.as_part().build(domain, 2, F64).unwrap())).collect()
}

fn integrators() -> Vec<(String, IntegratorKind)> {
    let mut all: Vec<_> = IntegratorKind::NAMES
        .iter()
        .map(|name| (name.to_string(), IntegratorKind::default_of(name).unwrap()))
        .collect();
    for text in ["rays: {importance: 0.6}", "lattice: {subset_views: 2}", "lattice: {jitter: 0.8}"] {
        let kind: OneOf<IntegratorKind> = serde_yaml::from_str(text).unwrap();
        all.push((text.to_string(), kind.kind));
    }
    all
}

fn check(grid: &Grid) {
    let domain = Domain::of(grid);
    let agree = |name: &str, field: &dyn Field, form: &str, integrator: &IntegratorKind, residual: Residual| {
        clear(field);
        let (finite, exact) = slopes(field, integrator.as_part(), &objective(grid, 50), residual);
        assert!(finite.abs() > 1e-6, "{name}, {form}, {residual:?}: the loss has no slope");
        assert!(
            (finite - exact).abs() <= 1e-5 * finite.abs().max(1e-3),
            "{name}, {form}, {residual:?}: {finite} and {exact}"
        );
    };
    for (form, integrator) in integrators() {
        for (name, field) in fields(&domain) {
            agree(&name, field.as_ref(), &form, &integrator, Residual::Plain);
            if integrator.as_part().whole_projections() {
                agree(&name, field.as_ref(), &form, &integrator, Residual::Ramp);
            }
        }
    }
    let (form, integrator) = integrators().pop().unwrap();
    for (name, field) in networks(&domain) {
        agree(&name, field.as_ref(), &form, &integrator, Residual::Plain);
    }
}

#[test]
fn gradients_are_finite_differences_in_3d() {
    check(&Grid::centered([5, 6, 7], [1.2, 1.0, 0.9], [1.0, 2.0, 3.0]).unwrap());
}

#[test]
fn gradients_are_finite_differences_in_2d() {
    check(&Grid::centered([1, 6, 7], [1.0, 1.0, 0.9], [0.0; 3]).unwrap());
}

#[test]
fn the_chunk_size_changes_memory_and_not_the_gradient() {
    let grid = Grid::centered([5, 6, 7], [1.2, 1.0, 0.9], [0.0; 3]).unwrap();
    let (_, field) = fields(&Domain::of(&grid)).next().unwrap();
    let integrator = IntegratorKind::default_of("lattice").unwrap();
    let gradient = |chunk| {
        clear(field.as_ref());
        integrator
            .as_part()
            .accumulate(field.as_ref(), &objective(&grid, chunk), Residual::Plain, 0, &mut None)
            .unwrap();
        field.parameters()[2].value.grad().copy()
    };
    let (small, large) = (gradient(17), gradient(1 << 20));
    let size = large.norm().double_value(&[]);
    assert!(size > 0.0 && (&small - &large).norm().double_value(&[]) <= 1e-12 * size);
}

/// Returns the mean data term over the first `steps` steps of an integrator.
fn mean_data(text: &str, steps: u64) -> f64 {
    let grid = Grid::centered([5, 6, 7], [1.2, 1.0, 0.9], [0.0; 3]).unwrap();
    let (_, field) = fields(&Domain::of(&grid)).next().unwrap();
    let integrator: OneOf<IntegratorKind> = serde_yaml::from_str(text).unwrap();
    let objective = objective(&grid, 1 << 20);
    let loss =
        |step| integrator.kind.as_part().loss(field.as_ref(), &objective, Residual::Plain, step, &None).unwrap().data;
    (0..steps).map(loss).sum::<f64>() / steps as f64
}

#[test]
fn some_views_and_the_worst_rays_stand_for_all() {
    // The scan has three views and each step takes one, so that three steps cover the whole scan.
    let (all, swept) = (mean_data("lattice", 1), mean_data("lattice: {subset_views: 1}", 3));
    assert!((swept - all).abs() <= 1e-12 * all, "{swept} over a sweep, {all} at once");
    let (uniform, drawn) = (mean_data("rays: {rays: 2048}", 20), mean_data("rays: {rays: 2048, importance: 0.6}", 20));
    assert!((drawn - uniform).abs() <= 0.03 * uniform, "{drawn} by importance, {uniform} uniformly");
}
