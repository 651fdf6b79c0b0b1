//! Tests of the iterative methods against independent solutions in f64, on a scan so small that its system matrix A can
//! be written down.

use crate::common::scans::scan;
use rand::RngExt;
use recon::algorithms::{AlgorithmKind, Problem, Reconstruction, Run, Setup};
use recon::data::{Geometry, Grid, MU_REFERENCE_OVER_WATER, Projections, Quantity, Volume};
use recon::operators::xray::{CpuProjector, Model};
use recon::operators::{LinearOperator, norm_squared};
use recon::random::stream;
use recon::registry::{Kinds, OneOf};
use tch::{Device, Kind, Tensor};

const MU_WATER: f64 = 0.02;

/// A scan of 9 views of 11 pixels of a slice of 7 x 6 voxels, with its system matrix A in f64. Each column of A is the
/// projection of one voxel.
struct Tiny {
    grid: Grid,
    geometry: Geometry,
    /// System matrix `[samples, voxels]`, mm.
    a: Tensor,
    /// Line integrals of a random volume, with uniform noise in ±0.02 (dimensionless).
    data: Projections,
}

impl Tiny {
    fn new() -> Self {
        let grid = Grid::centered([1, 7, 6], [2.0; 3], [0.0; 3]).unwrap();
        let geometry = scan("parallel: {views: 9, detector: {pixels: 11, pitch_mm: 1.7}}", &grid);
        let projector = CpuProjector::new(Model::Joseph, &grid, &geometry);
        let columns: Vec<Tensor> = (0..grid.voxels() as i64)
            .map(|j| {
                let unit = Tensor::zeros([42], (Kind::Float, Device::Cpu));
                let _ = unit.get(j).fill_(1.0);
                projector.forward(&unit.view([1, 7, 6])).unwrap().view(-1).to_kind(Kind::Double)
            })
            .collect();
        let a = Tensor::stack(&columns, 1);
        let mut random = stream(1, "test", 0);
        let truth: Vec<f64> = (0..42).map(|_| random.random_range(0.0..0.04)).collect();
        let noise: Vec<f64> = (0..geometry.samples()).map(|_| random.random_range(-0.02..0.02)).collect();
        let y = a.matmul(&Tensor::from_slice(&truth)) + Tensor::from_slice(&noise);
        let y: Vec<f64> = Vec::try_from(y).unwrap();
        let data = Projections::from_vec(geometry.clone(), y.into_iter().map(|v| v as f32).collect()).unwrap();
        Self { grid, geometry, a, data }
    }

    fn y(&self) -> Tensor {
        Tensor::from_slice(self.data.as_slice()).to_kind(Kind::Double)
    }

    fn run(&self, text: &str) -> Reconstruction {
        self.run_from(text, None)
    }

    fn run_from(&self, text: &str, initial: Option<Volume>) -> Reconstruction {
        let kind: OneOf<AlgorithmKind> = serde_yaml::from_str(text).unwrap();
        let mut run = Run { initial, ..Run::quiet(Device::Cpu, 3) };
        kind.kind.as_part().reconstruct(&Problem::xrays(&self.data, &self.grid, MU_WATER), &mut run).unwrap()
    }

    fn norm_squared(&self) -> f64 {
        1.02 * norm_squared(&CpuProjector::new(Model::Joseph, &self.grid, &self.geometry), Device::Cpu, 15).unwrap()
    }
}

fn vector(found: &Reconstruction) -> Tensor {
    Tensor::from_slice(found.volume.as_slice()).to_kind(Kind::Double)
}

/// ‖a − b‖ / ‖b‖.
fn difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).norm().double_value(&[]) / b.norm().double_value(&[])
}

fn reciprocal(sums: &Tensor) -> Tensor {
    sums.gt(1e-6).to_kind(Kind::Double) / sums.clamp_min(1e-6)
}

#[test]
fn sirt_is_its_formula() {
    let tiny = Tiny::new();
    let (a, y) = (&tiny.a, tiny.y());
    let rows = reciprocal(&a.sum_dim_intlist(1i64, false, Kind::Double));
    let columns = reciprocal(&a.sum_dim_intlist(0i64, false, Kind::Double));
    for (text, relaxation, reduction, nonnegative) in [
        ("sirt: {iterations: 30, nonnegative: false}", 1.0, 1.0, false),
        ("sirt: {iterations: 30}", 1.0, 1.0, true),
        ("sirt: {iterations: 30, relaxation: 1.5, reduction: 0.9}", 1.5, 0.9, true),
        ("os_sart: {iterations: 30, subset_views: 0, relaxation: 1.5, reduction: 0.9}", 1.5, 0.9, true),
    ] {
        let mut x = Tensor::zeros([42], (Kind::Double, Device::Cpu));
        let mut lambda: f64 = relaxation;
        for _ in 0..30 {
            x = &x + lambda * &columns * a.tr().matmul(&(&rows * (&y - a.matmul(&x))));
            if nonnegative {
                x = x.clamp_min(0.0);
            }
            lambda *= reduction;
        }
        let found = difference(&vector(&tiny.run(text)), &x);
        assert!(found < 2e-6, "{text}: {found:e}");
    }
}

#[test]
fn sart_visits_its_views_one_by_one_in_their_order() {
    let tiny = Tiny::new();
    let (a, y) = (tiny.a.view([9, 11, 42]), tiny.y().view([9, 11]));
    let mut x = Tensor::zeros([42], (Kind::Double, Device::Cpu));
    for sweep in 0..3 {
        for view in 0..9 {
            let (a, y) = (a.get(view), y.get(view));
            let rows = reciprocal(&a.sum_dim_intlist(1i64, false, Kind::Double));
            let columns = reciprocal(&a.sum_dim_intlist(0i64, false, Kind::Double));
            x = (&x + 0.9f64.powi(sweep) * columns * a.tr().matmul(&(rows * (y - a.matmul(&x))))).clamp_min(0.0);
        }
    }
    let found =
        tiny.run("os_sart: {iterations: 3, subset_views: 1, ordering: sequential, relaxation: 1, reduction: 0.9}");
    let found = difference(&vector(&found), &x);
    assert!(found < 2e-6, "{found:e}");
}

#[test]
fn chance_in_the_order_of_subsets_is_the_seeds() {
    let tiny = Tiny::new();
    let kind: OneOf<AlgorithmKind> = serde_yaml::from_str("os_sart: {iterations: 2, ordering: random}").unwrap();
    let with = |seed| {
        let mut run = Run::quiet(Device::Cpu, seed);
        kind.kind.as_part().reconstruct(&Problem::xrays(&tiny.data, &tiny.grid, MU_WATER), &mut run).unwrap().volume
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
}

/// Returns the solution of (AᵀA + weight² ‖A‖² LᵀL) x = Aᵀy.
fn normal_equations(tiny: &Tiny, weight: f64, l: &Tensor) -> Tensor {
    let normal = tiny.a.tr().matmul(&tiny.a) + weight * weight * tiny.norm_squared() * l.tr().matmul(l);
    Tensor::linalg_solve(&normal, &tiny.a.tr().matmul(&tiny.y()), true)
}

/// Returns the matrix of the differences along y and x of 7 x 6 values: two rows for each voxel, first y, then x.
fn gradient() -> Tensor {
    let mut rows = Vec::new();
    for (i, (step, last)) in (0..42).flat_map(|i| [(i, (6, i / 6 == 6)), (i, (1, i % 6 == 5))]) {
        let mut row = vec![0.0f64; 42];
        if !last {
            (row[i], row[i + step]) = (-1.0, 1.0);
        }
        rows.push(Tensor::from_slice(&row));
    }
    Tensor::stack(&rows, 0)
}

#[test]
fn cgls_and_lsqr_solve_the_normal_equations() {
    let tiny = Tiny::new();
    let identity = Tensor::eye(42, (Kind::Double, Device::Cpu));
    for kind in ["cgls", "lsqr"] {
        for (keys, weight, l, tolerance) in [
            ("", 0.0, &identity, 2e-3),
            (", tikhonov: {weight: 0.2}", 0.2, &identity, 2e-5),
            (", tikhonov: {weight: 0.3, operator: gradient}", 0.3, &gradient(), 2e-5),
        ] {
            // 300 iterations are many more than convergence takes: rounding must not lead away from the solution.
            let text = format!("{kind}: {{iterations: 300{keys}}}");
            let expected = normal_equations(&tiny, weight, l);
            let found = difference(&vector(&tiny.run(&text)), &expected);
            assert!(found < tolerance, "{text}: {found:e}");
            // Another start leads to the same solution: the penalty acts on the volume, not on its distance from the
            // start.
            let far = Volume::filled(tiny.grid.clone(), Quantity::Attenuation, 0.05);
            let found = difference(&vector(&tiny.run_from(&text, Some(far))), &expected);
            assert!(found < tolerance, "{text} from afar: {found:e}");
        }
    }
}

#[test]
fn cgls_and_lsqr_take_the_same_steps() {
    let tiny = Tiny::new();
    for iterations in [2, 5, 6, 10] {
        for keys in ["", ", tikhonov: {weight: 0.1, operator: gradient}", ", mask: cylinder"] {
            let run = |kind| vector(&tiny.run(&format!("{kind}: {{iterations: {iterations}{keys}}}")));
            let [a, b] = ["cgls", "lsqr"].map(run);
            let found = difference(&a, &b);
            assert!(found < 1e-5, "after {iterations}{keys}: {found:e}");
        }
    }
}

#[test]
fn mlem_conserves_the_counts_in_every_iteration_and_never_gets_less_likely() {
    let tiny = Tiny::new();
    // MLEM conserves the counts: after every iteration Σ (A x) equals Σ y, both summed over the rays that meet the
    // grid.
    let met = tiny.a.sum_dim_intlist(1i64, false, Kind::Double).gt(1e-6).to_kind(Kind::Double);
    let total = (tiny.y().clamp_min(0.0) * met).sum(Kind::Double).double_value(&[]);
    for iterations in [1, 2, 5, 20] {
        let found = tiny.run(&format!("mlem: {{iterations: {iterations}}}"));
        let sum = tiny.a.matmul(&vector(&found)).sum(Kind::Double).double_value(&[]);
        assert!((sum / total - 1.0).abs() < 1e-5, "after {iterations}: {sum} of {total}");
        assert_eq!(found.curve.len(), iterations);
        assert!(found.curve.windows(2).all(|pair| pair[1].loss <= pair[0].loss + 1e-9));
        assert_eq!(found.warnings[0].code, "negative_data");
    }
}

/// Returns the objective ½ ‖A x − y‖² / ‖A‖² + weight TV(x), with x = mu / mu_ref.
fn objective(tiny: &Tiny, found: &Reconstruction, weight: f64) -> f64 {
    let mu_ref = MU_REFERENCE_OVER_WATER * MU_WATER;
    let x = vector(found) / mu_ref;
    let misfit = (tiny.a.matmul(&x) - tiny.y() / mu_ref).square().sum(Kind::Double).double_value(&[]);
    let slopes = gradient().matmul(&x).view([42, 2]).square();
    let variation = slopes.sum_dim_intlist(1i64, false, Kind::Double).sqrt().sum(Kind::Double).double_value(&[]);
    0.5 * misfit / tiny.norm_squared() + weight * variation
}

#[test]
fn fista_finds_the_minimum_that_a_primal_dual_method_finds() {
    let tiny = Tiny::new();
    for weight in [0.0, 2e-3, 2e-2] {
        let fista = tiny.run(&format!("fista: {{weight: {weight}, iterations: 300, inner: 20}}"));
        let dual = tiny.run(&format!("tv: {{weight: {weight}, iterations: 4000, tolerance: 1.0e-4}}"));
        let [a, b] = [&fista, &dual].map(|found| objective(&tiny, found, weight));
        assert!((a / b - 1.0).abs() < 1e-3, "weight {weight}: {a} {b}");
        // FISTA reports its loss without an additional projection of x; it must still be the objective.
        let told = fista.curve.last().unwrap().loss;
        assert!((told / a - 1.0).abs() < 1e-3, "weight {weight}: {told} {a}");
    }
}

#[test]
fn weighted_least_squares_solve_their_normal_equations() {
    let tiny = Tiny::new();
    let starved: Tensor = tiny.y().exp() * (400.0 / 1e4) + 1.0;
    let w: Tensor = (-tiny.y()).exp() / starved;
    for (keys, weight) in [("", 0.05), (", momentum: false", 0.05)] {
        let text = format!(
            "wls: {{iterations: 600, photons: 1.0e4, electronic_sd: 20, penalty: quadratic, weight: {weight}, \
             nonnegative: false{keys}}}"
        );
        let curvature = weight * tiny.norm_squared() * gradient().tr().matmul(&gradient());
        let normal = tiny.a.tr().matmul(&(w.unsqueeze(1) * &tiny.a)) + curvature;
        let expected = Tensor::linalg_solve(&normal, &tiny.a.tr().matmul(&(&w * tiny.y())), true);
        let found = difference(&vector(&tiny.run(&text)), &expected);
        assert!(found < 1e-3, "{text}: {found:e}");
    }
}

#[test]
fn transmission_likelihood_has_no_slope_where_it_ends() {
    let tiny = Tiny::new();
    for subset in [0, 3] {
        let found = vector(&tiny.run(&format!("ml_tr: {{iterations: 400, subset_views: {subset}}}")));
        let slope = tiny.a.tr().matmul(&((-tiny.a.matmul(&found)).exp() - (-tiny.y()).exp()));
        // Conditions of an optimum under x ≥ 0: the gradient of the log-likelihood is zero where x > 0 and not
        // positive where x = 0. It is taken relative to its largest value at x = 0.
        let absorbed: Tensor = tiny.y().ones_like() - (-tiny.y()).exp();
        let scale = tiny.a.tr().matmul(&absorbed).abs().max().double_value(&[]);
        let inside = found.gt(1e-6).to_kind(Kind::Double);
        let outside: Tensor = inside.ones_like() - &inside;
        let (within, beyond): (Tensor, Tensor) = (&slope * &inside, &slope * outside);
        let worst = within.abs().max().double_value(&[]).max(beyond.max().double_value(&[])) / scale;
        // With ordered subsets the iterates end in a limit cycle about the solution.
        assert!(worst < if subset == 0 { 1e-3 } else { 2e-2 }, "subset of {subset}: {worst:e}");
    }
}

#[test]
fn a_dose_unit_changes_nothing() {
    // With ten times the line integrals and ten times mu_water the volume is ten times as large, whatever the weight.
    let tiny = Tiny::new();
    let tenfold = tiny.data.as_slice().iter().map(|v| 10.0 * v).collect();
    let tenfold = Projections::from_vec(tiny.geometry.clone(), tenfold).unwrap();
    for text in
        ["fista: {weight: 2.0e-3}", "cgls: {tikhonov: {weight: 0.2}}", "asd_pocs: {iterations: 5}", "osem", "sirt"]
    {
        let kind: OneOf<AlgorithmKind> = serde_yaml::from_str(text).unwrap();
        let mut run = Run::quiet(Device::Cpu, 3);
        let found =
            kind.kind.as_part().reconstruct(&Problem::xrays(&tenfold, &tiny.grid, 10.0 * MU_WATER), &mut run).unwrap();
        let found = difference(&vector(&found), &(10.0 * vector(&tiny.run(text))));
        assert!(found < 1e-4, "{text}: {found:e}");
    }
}

#[test]
fn a_support_keeps_air_outside_and_a_tolerance_ends_early() {
    let tiny = Tiny::new();
    for kind in ["sirt", "os_sart", "cgls", "lsqr", "fista", "asd_pocs", "wls", "mlem", "osem", "ml_tr"] {
        let found = tiny.run(&format!("{kind}: {{iterations: 10, mask: cylinder}}"));
        let values = found.volume.as_slice();
        assert!(values[0] == 0.0 && values[41] == 0.0 && values[3 * 6 + 3] > 0.0, "{kind}: {values:?}");
        let early = tiny.run(&format!("{kind}: {{iterations: 500, tolerance: 0.02}}"));
        assert!(early.curve.len() < 100, "{kind}: {} iterations", early.curve.len());
        let residuals: Vec<f64> = early.curve.iter().map(|point| point.figures["residual"]).collect();
        assert!(*residuals.last().unwrap() < 0.5, "{kind}: {residuals:?}");
        let mut settled: Vec<bool> =
            residuals.windows(2).map(|pair| (pair[0] - pair[1]).abs() < 0.02 * pair[0]).collect();
        // `asd_pocs` also ends where its two kinds of step oppose each other.
        let last = settled.pop().unwrap() || kind == "asd_pocs";
        assert!(last && !settled.contains(&true), "{kind}: {residuals:?}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused_with_their_key() {
    let tiny = Tiny::new();
    for (text, key) in [
        ("sirt: {iterations: 0}", "sirt.iterations"),
        ("sirt: {relaxation: 2}", "sirt.relaxation"),
        ("os_sart: {reduction: 0}", "os_sart.reduction"),
        ("cgls: {tolerance: -1}", "cgls.tolerance"),
        ("lsqr: {tikhonov: {weight: -1}}", "lsqr.tikhonov.weight"),
        ("fista: {inner: 0}", "fista.inner"),
        ("asd_pocs: {alpha_reduction: 1.1}", "asd_pocs.alpha_reduction"),
        ("wls: {photons: 0}", "wls.photons"),
        ("wls: {delta: 0}", "wls.delta"),
        ("osem: {iterations: 0}", "osem.iterations"),
        ("mlem: {iterations: 0}", "mlem.iterations"),
        ("ml_tr: {tolerance: .nan}", "ml_tr.tolerance"),
    ] {
        let kind: OneOf<AlgorithmKind> = serde_yaml::from_str(text).unwrap();
        let checked = kind.kind.named(kind.kind.as_part().accept(&Setup::xrays(&tiny.geometry, &tiny.grid)));
        let error = checked.unwrap_err().to_string();
        assert!(error.starts_with(key), "{text}: {error}");
    }
}
