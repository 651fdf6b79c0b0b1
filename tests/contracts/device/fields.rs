//! Compares fields, penalties and optimizers on a GPU with those on the CPU: the same calls run twice, the second time
//! on a stub GPU whose memory is that of the CPU.

use super::stub_or_skip;
use crate::common::scans::{random, scan};
use recon::algorithms::primal_dual::{Penalty, Step, Variation};
use recon::algorithms::{AlgorithmKind, Problem, Run};
use recon::data::{Grid, Projections};
use recon::fields::regularizers::{RegularizerKind, log_tv, total_variation, value_and_gradient};
use recon::fields::{Domain, FieldKind, Parameter, Role};
use recon::operators::xray::{Model, build};
use recon::optimizers::{Optimizer, adam::Adam, adam::Config};
use recon::registry::OneOf;
use recon::tensors::cuda::Card;
use recon::tensors::to_vec;
use tch::{Device, Kind, Tensor};

const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

/// ‖a − b‖ / ‖b‖.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    ((a - b).norm() / (b.norm() + 1e-12)).double_value(&[])
}

/// Fails unless every one of these kernels is in the log of the stub.
fn assert_launched(log: &[String], kernels: &[&str], what: &str) {
    for kernel in kernels {
        let start = format!("launch {kernel} ");
        assert!(log.iter().any(|line| line.starts_with(&start)), "{what}: {kernel} was not launched");
    }
}

/// Returns the values of a field at some points, and the gradients of a weighted sum of the values.
fn values_and_gradients(text: &str, inputs: i64) -> Vec<Tensor> {
    let kind: OneOf<FieldKind> = serde_yaml::from_str(text).unwrap();
    let domain = Domain::cube(inputs as usize, 16).unwrap();
    let field = kind.kind.as_part().build(&domain, 3, F32).unwrap();
    let points = random([1, 517, inputs as usize], 4).view([-1, inputs]) * 1.1;
    let weights = random([1, 1, 517], 5).view(-1);
    let mut all = vec![field.evaluate(&points).unwrap()];
    for _ in 0..2 {
        field.accumulate(&points, &mut |values| Ok(values * 0.1 + &weights)).unwrap();
    }
    all.extend(field.parameters().iter().filter(|p| p.value.requires_grad()).map(|p| p.value.grad().copy()));
    all
}

#[test]
fn fields_have_the_values_and_gradients_of_the_cpu() {
    let stub = stub_or_skip!();
    let card = stub.card();
    let hash = "{levels: 4, base: 3, finest: 40, log2_table: 9, features: 2}";
    for (text, tolerance) in [
        ("siren: {width: 24, depth: 3, omega: 20}".to_string(), 2e-5),
        ("siren: {width: 16, depth: 1}".to_string(), 2e-5),
        ("siren: {width: 24, depth: 3, omega: 20, precision: bf16}".to_string(), 3e-2),
        (format!("mlp: {{encoding: {{hash_grid: {hash}}}, width: 16, depth: 2}}"), 2e-5),
        (format!("mlp: {{encoding: {{hash_grid: {hash}}}, activation: {{sine: {{}}}}, width: 16}}"), 2e-5),
        ("voxels: {}".to_string(), 2e-5),
    ] {
        for inputs in [2, 3] {
            let expected = values_and_gradients(&text, inputs);
            let found = Card::stand_in(card.clone(), || values_and_gradients(&text, inputs));
            let again = Card::stand_in(card.clone(), || values_and_gradients(&text, inputs));
            assert!(stub.log().iter().any(|line| line.starts_with("launch ")), "{text}: no kernel ran");
            assert_eq!(found.len(), expected.len());
            for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let gap = distance(found, expected);
                assert!(gap <= tolerance, "{text}, {inputs} inputs: tensor {number} differs by {gap}");
            }
            assert!(found.iter().zip(&again).all(|(a, b)| a.equal(b)), "{text}: other bits the second time");
        }
    }
}

#[test]
fn total_variation_and_its_logarithm_have_the_values_and_gradients_of_the_cpu() {
    let stub = stub_or_skip!();
    let card = stub.card();
    let logarithm = RegularizerKind::LogTv(log_tv::Config { weight: 0.3, epsilon: 0.2 });
    for shape in [[5, 6, 7], [1, 9, 4], [3, 1, 33], [40, 2, 1], [1, 1, 2]] {
        let grid = Grid::centered(shape, [2.0, 1.0, 1.5], [0.0; 3]).unwrap();
        let (axes, x) = (total_variation::axes(&grid), random(shape, 3));
        let both = || {
            let plain = total_variation::value_and_gradient(&x, &axes).unwrap();
            let other = value_and_gradient(logarithm.as_part(), &x, &axes).unwrap();
            [plain, other]
        };
        let (expected, found) = (both(), Card::stand_in(card.clone(), both));
        let launches = stub.log().iter().filter(|line| line.starts_with("launch variation_gradient ")).count();
        assert_eq!(launches, 2, "{shape:?}: once for total variation and once for its logarithm");
        for ((value, gradient), (exact, slope)) in found.iter().zip(&expected) {
            assert!((value - exact).abs() <= 1e-5 * exact.abs(), "{shape:?}: {value} for {exact}");
            assert!(distance(gradient, slope) <= 1e-5, "{shape:?}: {}", distance(gradient, slope));
        }
    }
}

#[test]
fn primal_dual_steps_are_those_of_the_cpu() {
    let stub = stub_or_skip!();
    let card = stub.card();
    for (shape, delta, nonnegative) in [([5, 6, 7], 0.0, true), ([1, 9, 4], 0.05, true), ([3, 1, 33], 0.02, false)] {
        let grid = Grid::centered(shape, [2.0, 1.0, 1.5], [0.0; 3]).unwrap();
        let turns = || {
            let mut penalty = Variation::new(&grid, 0.3, delta, Device::Cpu).unwrap();
            let step = Step {
                primal: 0.7,
                data: 0.1,
                penalty: 0.4,
                relaxation: 1.9,
                scale: 0.5,
                nonnegative,
                bound: Some(2.0),
                short: false,
            };
            let mut out = random(shape, 0);
            let mut figures = Vec::new();
            for turn in 0..4 {
                let [ahead, behind, back] = [1, 2, 3].map(|k| random(shape, 10 * turn + k));
                penalty.dual(&step, &ahead, &behind).unwrap();
                figures.push(penalty.primal(&step, &back, &behind, &mut out).unwrap());
                let (value, gap) = penalty.value(&ahead).unwrap();
                figures.extend([value, gap]);
            }
            (out, figures)
        };
        let ((x, figures), (found, others)) = (turns(), Card::stand_in(card.clone(), turns));
        let kernels = ["variation_dual", "variation_primal", "variation_value"];
        assert_launched(&stub.log(), &kernels, "the primal-dual steps");
        assert!(distance(&found, &x) <= 1e-6, "{shape:?}");
        for (a, b) in others.iter().zip(&figures) {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{shape:?}: {a} for {b}");
        }
    }
}

#[test]
fn adam_steps_all_tensors_in_one_launch_as_the_cpu_steps_each() {
    let stub = stub_or_skip!();
    let card = stub.card();
    let steps = || {
        let value = |shape: [usize; 3], seed| random(shape, seed).set_requires_grad(true);
        let parameters = [
            Parameter { name: "a".into(), value: value([1, 3, 5], 1), role: Role::Hidden },
            Parameter { name: "b".into(), value: value([1, 1, 1], 2), role: Role::Other },
            Parameter { name: "c".into(), value: value([7, 11, 13], 3), role: Role::Table },
        ];
        let config = Config { rate: 0.03, weight_decay: 0.1, table_factor: 5.0, ..Config::default() };
        let mut adam = Adam::new(config, &parameters);
        for step in 0..5 {
            for parameter in &parameters {
                let pull = (&parameter.value * (f64::from(step) + 1.0)).sin().sum(Kind::Float);
                pull.backward();
            }
            adam.step(&parameters, 0.03 / (f64::from(step) + 1.0)).unwrap();
        }
        parameters.map(|parameter| parameter.value.detach())
    };
    let (expected, found) = (steps(), Card::stand_in(card, steps));
    let launches: Vec<_> = stub.log().into_iter().filter(|line| line.starts_with("launch")).collect();
    assert_eq!(launches, vec!["launch adam_step 4 256 0x5000".to_string(); 5], "3 x 5 + 1 + 1001 numbers");
    for (found, expected) in found.iter().zip(&expected) {
        assert!(distance(found, expected) <= 1e-6, "{}", distance(found, expected));
    }
}

/// Compares whole reconstructions from the same data, once on the CPU and once by the kernels of a GPU.
#[test]
fn whole_reconstructions_on_a_card_are_those_of_the_cpu() {
    let stub = stub_or_skip!();
    let card = stub.card();
    let grid = Grid::centered([10, 12, 14], [2.0; 3], [0.0; 3]).unwrap();
    let orbit = "cone: {views: 12, source_to_axis_mm: 200, source_to_detector_mm: 300, detector: {pixels: [14, 20], \
                 pitch_mm: [2.5, 2.5]}}";
    let geometry = scan(orbit, &grid);
    let truth = (random([10, 12, 14], 1).abs() * 0.02).contiguous();
    let projected = build(Model::Joseph, &grid, &geometry, Device::Cpu).unwrap().forward(&truth).unwrap();
    let data = Projections::from_vec(geometry, to_vec(&projected).unwrap()).unwrap();
    for (text, tolerance, kernels) in [
        ("fdk: {}", 1e-5, &["backproject"][..]),
        ("sirt: {iterations: 5}", 1e-5, &["joseph_rays", "joseph_forward", "joseph_adjoint"]),
        ("tv: {iterations: 40, weight: 1.0e-3}", 1e-4, &["joseph_adjoint", "variation_dual", "variation_primal"]),
        (
            "neural_field: {field: {siren: {width: 16, depth: 2}}, start: null, optimizer: {adam: {rate: 1.0e-3}}, \
             steps: 5, tv: 1.0e-4}",
            1e-3,
            &["joseph_forward", "sine_forward", "sine_backward", "adam_step"],
        ),
        (
            "neural_field: {field: {mlp: {encoding: {hash_grid: {levels: 3, finest: 16, log2_table: 8}}}}, start: \
             null, optimizer: {adam: {rate: 1.0e-3}}, steps: 5}",
            1e-3,
            &["hash_gather", "hash_scatter", "hash_settle", "adam_step"],
        ),
    ] {
        let kind: OneOf<AlgorithmKind> = serde_yaml::from_str(text).unwrap();
        let run = || {
            let made = kind
                .kind
                .as_part()
                .reconstruct(&Problem::xrays(&data, &grid, 0.02), &mut Run::quiet(Device::Cpu, 3))
                .unwrap();
            Tensor::from_slice(made.volume.as_slice())
        };
        let (expected, found) = (run(), Card::stand_in(card.clone(), run));
        let gap = distance(&found, &expected);
        assert!(gap <= tolerance, "{text}: {gap}");
        let log = stub.log();
        assert_launched(&log, kernels, text);
        assert!(!log.iter().any(|line| line == "synchronise"), "{text}: our launcher waited for the card");
    }
}
