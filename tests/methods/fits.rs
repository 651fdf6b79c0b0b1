//! Tests of the fit of a neural field: resuming, stopping, held-out views, sweeps over a setting, and starting volumes.

use super::support::{MU_WATER, algorithm, ball, fitted, kinds, psnr, reconstruct};
use recon::algorithms::neural_field::Fitted;
use recon::algorithms::weight::held_out::{HeldOutViews, mean};
use recon::algorithms::{AlgorithmKind, Problem, Run, Setup};
use recon::data::{Geometry, Grid, Projections, Volume};
use recon::error::{Error, Result, Stop};
use recon::progress::{Checkpoints, Silent, StopSignal};
use recon::registry::Kinds;
use std::cell::{Cell, RefCell};
use tch::Device;

#[test]
fn a_field_that_makes_no_sense_is_refused_with_its_key() {
    let (_, geometry, grid) = kinds().remove(0);
    let refused = |text: &str| {
        let kind = algorithm(text);
        kind.named(kind.as_part().accept(&Setup::xrays(&geometry, &grid))).unwrap_err().to_string()
    };
    assert!(refused("neural_field: {field: {siren: {width: 0}}}").starts_with("neural_field.field.siren.width"));
    assert!(refused("neural_field: {integrator: rays, ramp_steps: 3}").starts_with("neural_field.ramp_steps"));
    assert!(refused("neural_field: {steps: 0, start: null}").starts_with("neural_field.steps"));
    assert!(refused("neural_field: {start: {neural_field: {}}}").starts_with("neural_field.start"));
    assert!(refused("neural_field: {optimizer: {muon: {rate: -1}}}").starts_with("neural_field.optimizer"));
}

#[test]
fn rays_and_plain_adam_fit_too() {
    let (_, geometry, grid) = fitted("neural_field");
    let (data, truth) = ball(&geometry, &grid);
    let text = "neural_field: {field: {siren: {width: 32, depth: 2, omega: 10}}, start: null, integrator: {rays: \
     {rays: 64, tv_voxels: 64}}, optimizer: {adam: {rate: 2.0e-3}}, steps: 300, tv: 1.0e-4}";
    let found = reconstruct(&algorithm(text), &data, &grid, &Silent, &Silent).unwrap();
    let quality = psnr(&truth, &found.volume);
    assert!(quality > 18.0, "{quality:.2} dB");
}

/// Returns the projections of the ball with uniform noise in ±0.05, the truth and the grid.
fn noisy() -> (Projections, Volume, Grid) {
    let (_, geometry, grid) = fitted("neural_field");
    let (data, truth) = ball(&geometry, &grid);
    let noise: Vec<f32> = Vec::try_from(&crate::common::scans::random(geometry.shape(), 5).view(-1)).unwrap();
    let values = data.as_slice().iter().zip(noise).map(|(value, noise)| value + 0.05 * noise).collect();
    (Projections::from_vec(geometry, values).unwrap(), truth, grid)
}

#[test]
fn a_field_that_collapsed_says_so_and_falls_back_to_total_variation() {
    let (data, truth, grid) = noisy();
    // Voxels without a penalty follow the noise: nothing makes them smooth.
    let text = |keys: &str| {
        format!(
            "neural_field: {{field: {{voxels: {{}}}}, start: null, tv: 0, steps: 300, optimizer: {{adam: {{rate: \
             0.02}}}}{keys}}}"
        )
    };
    let of = |text: &str| reconstruct(&algorithm(text), &data, &grid, &Silent, &Silent).unwrap();
    let told = |made: &recon::algorithms::Reconstruction| made.warnings.iter().any(|w| w.code == "worse_than_tv");
    let (collapsed, tv) = (of(&text("")), of("tv: {weight: auto}"));
    let (bad, good) = (psnr(&truth, &collapsed.volume), psnr(&truth, &tv.volume));
    assert!(good > bad + 3.0, "no collapse to test: {bad:.2} dB against {good:.2} dB");
    for keys in [", weight: auto, fallback: true", ", fallback: true"] {
        let made = of(&text(keys));
        assert!(told(&made) && made.notes["fallback"] == "tv", "{:?}", made.notes["against_tv"]);
        assert!((psnr(&truth, &made.volume) - good).abs() < 0.3, "{keys}: {:.2} dB", psnr(&truth, &made.volume));
    }
}

#[test]
fn a_field_is_said_to_be_worse_only_where_it_is() {
    let (data, truth, grid) = noisy();
    let of = |text: &str| reconstruct(&algorithm(text), &data, &grid, &Silent, &Silent).unwrap();
    let tv = psnr(&truth, &of("tv: {weight: auto}").volume);
    for (field, rest) in [
        ("anchored: {field: {siren: {width: 32, depth: 2, omega: 10}}}", "start: {tv: {weight: auto}, steps: 40}"),
        ("siren: {width: 64, depth: 2, omega: 10}", "start: {tv: {weight: auto}, steps: 200}"),
        ("siren: {width: 64, depth: 2, omega: 10}", "start: null"),
    ] {
        let text = |fallback: bool| {
            format!(
                "neural_field: {{field: {{{field}}}, {rest}, steps: 60, weight: auto, tv: 1, fallback: {fallback}}}"
            )
        };
        let (alone, judged) = (psnr(&truth, &of(&text(false)).volume), of(&text(true)));
        let told = judged.warnings.iter().any(|w| w.code == "worse_than_tv");
        let figures = format!("{field} {rest}: {alone:.2} dB, tv {tv:.2} dB: {:?}", judged.notes["against_tv"]);
        println!("{figures}");
        assert_eq!(told, judged.notes.contains_key("fallback"), "{figures}");
        assert!(told || rest != "start: null", "60 steps from nothing are worse: {figures}");
        // The few held-out views cannot tell a difference of 0.1 dB.
        assert!(if told { alone < tv + 0.1 } else { alone > tv - 0.5 }, "{figures}");
    }
}

/// A stop signal that answers "stop" after it has been asked `left` times; a fit asks once per step.
struct StopAfter {
    left: Cell<u64>,
}

impl StopSignal for StopAfter {
    fn stop(&self) -> Option<Stop> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        (left == 0).then_some(Stop::Terminate)
    }
}

/// Keeps the latest checkpoint in memory.
#[derive(Default)]
struct Memory(RefCell<Option<Vec<u8>>>);

impl Checkpoints for Memory {
    fn load(&self, accept: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        self.0.borrow().as_ref().map_or(Ok(false), |bytes| accept(bytes).map(|()| true))
    }
    fn save(&self, bytes: &[u8]) -> Result<()> {
        *self.0.borrow_mut() = Some(bytes.to_vec());
        Ok(())
    }
}

#[test]
fn a_fit_stopped_anywhere_and_resumed_ends_with_the_bits_of_an_uninterrupted_one() {
    let (kind, geometry, grid) = fitted("neural_field");
    let (data, _) = ball(&geometry, &grid);
    let straight = reconstruct(&kind, &data, &grid, &Silent, &Silent).unwrap();
    // A fit takes 60 iterations of the start, 300 steps of regression and 60 steps on the data. The stops fall in the
    // second and the third phase, then on the boundary between them.
    for stops in [vec![150, 37, 230], vec![360, 20]] {
        let memory = Memory::default();
        for steps in stops {
            let stopped = reconstruct(&kind, &data, &grid, &StopAfter { left: Cell::new(steps) }, &memory);
            assert!(matches!(stopped, Err(Error::Stopped(Stop::Terminate))));
        }
        let resumed = reconstruct(&kind, &data, &grid, &Silent, &memory).unwrap();
        assert_eq!(resumed.volume, straight.volume);
        assert_eq!(resumed.curve.len(), straight.curve.len());
    }
}

#[test]
fn a_checkpoint_of_another_seed_is_not_taken_up() {
    let (kind, geometry, grid) = fitted("neural_field");
    let (data, _) = ball(&geometry, &grid);
    let memory = Memory::default();
    let _ = reconstruct(&kind, &data, &grid, &StopAfter { left: Cell::new(100) }, &memory);
    let mut run = Run { checkpoints: &memory, ..Run::quiet(Device::Cpu, 8) };
    let error = kind.as_part().reconstruct(&Problem::xrays(&data, &grid, MU_WATER), &mut run).unwrap_err();
    assert!(error.to_string().contains("other data, another grid, seed or configuration"), "{error}");
}

/// A configuration with every phase, and with everything that a checkpoint must restore: a start, a coarse grid, the
/// ramp filter, averaged weights, held-out views, another optimizer at the end, and two fields.
const EVERYTHING: &str = "neural_field: {field: {siren: {width: 24, depth: 2, omega: 12}}, \
    start: {tv: {iterations: 20}, steps: 20, batch: 256}, steps: 30, ramp_steps: 5, coarse_steps: [8], average: 0.5, \
    clip: 10, \
    held_out: {every: 6, look: 4}, finish: {lbfgs: {rate: 0.2}, steps: 6}, ensemble: 2, \
    regularizers: [{huber_tv: {weight: 1.0e-4}}, {nonnegativity: {}}], optimizer: {soap: {rate: 1.0e-3, frequency: \
    4}}}";

fn cone_kind(text: &str) -> (AlgorithmKind, Geometry, Grid) {
    let (_, geometry, grid) = kinds().into_iter().find(|(kind, ..)| kind.name() == "fdk").unwrap();
    (algorithm(text), geometry, grid)
}

#[test]
fn a_fit_with_every_phase_resumes_with_the_same_bits_and_knows_its_uncertainty() {
    let (kind, geometry, grid) = cone_kind(EVERYTHING);
    let (data, truth) = ball(&geometry, &grid);
    let straight = reconstruct(&kind, &data, &grid, &Silent, &Silent).unwrap();
    // The fit takes 20 iterations of TV, then for each field 20 steps of regression, 30 on the data and 6 with the last
    // optimizer.
    for stops in [vec![30, 25, 8], vec![73, 30, 24]] {
        let memory = Memory::default();
        for steps in stops {
            let stopped = reconstruct(&kind, &data, &grid, &StopAfter { left: Cell::new(steps) }, &memory);
            assert!(matches!(stopped, Err(Error::Stopped(Stop::Terminate))));
        }
        let resumed = reconstruct(&kind, &data, &grid, &Silent, &memory).unwrap();
        assert_eq!(resumed.volume, straight.volume);
        assert_eq!(resumed.uncertainty, straight.uncertainty);
        // The checkpoint holds both fields; the mean of their rendered volumes is the volume of the fit.
        let bytes = memory.0.borrow().clone().unwrap();
        let rendered = Fitted::read(&bytes, Device::Cpu).unwrap().volume(&grid, &Silent).unwrap();
        assert!(psnr(&resumed.volume, &rendered) > 100.0, "{}", psnr(&resumed.volume, &rendered));
        assert_eq!(resumed.curve.len(), straight.curve.len());
    }
    let spread = straight.uncertainty.unwrap();
    assert!(spread.as_slice().iter().all(|sigma| *sigma >= 0.0) && spread.as_slice().iter().any(|sigma| *sigma > 0.0));
    assert!(psnr(&truth, &straight.volume) > 15.0, "{}", psnr(&truth, &straight.volume));
    // The squared error of air on the held-out views is more than four times that of the fit.
    let [_, out] = Problem::xrays(&data, &grid, MU_WATER).split(6, 0).unwrap();
    let air = Volume::filled(grid.clone(), truth.quantity, 0.0);
    let scores = HeldOutViews::new(&out, Device::Cpu).unwrap().scores(&air).unwrap();
    let score = straight.notes["held_out"]["score"].as_f64().unwrap();
    assert!(score > 0.0 && score < 0.25 * mean(&scores), "{score} of {scores:?}");
    assert!(straight.notes["quadrature_error"].as_f64().unwrap() < 0.2, "{:?}", straight.notes);
    assert!(straight.curve.iter().any(|point| point.figures.contains_key("held_out")));
}

#[test]
fn a_fit_on_some_views_or_on_the_worst_rays_learns_and_resumes_with_the_same_bits() {
    for integrator in ["lattice: {subset_views: 5}", "rays: {rays: 64, importance: 0.5, tv_voxels: 64}"] {
        let text = format!(
            "neural_field: {{field: {{siren: {{width: 24, depth: 2, omega: 12}}}}, start: null, steps: 80, ensemble: \
             2, \
             integrator: {{{integrator}}}, optimizer: {{adam: {{rate: 2.0e-3}}}}}}"
        );
        let (kind, geometry, grid) = cone_kind(&text);
        let (data, truth) = ball(&geometry, &grid);
        let straight = reconstruct(&kind, &data, &grid, &Silent, &Silent).unwrap();
        let quality = psnr(&truth, &straight.volume);
        assert!(quality > 15.0, "{integrator}: {quality:.2} dB");
        let memory = Memory::default();
        for steps in [50, 60] {
            let stopped = reconstruct(&kind, &data, &grid, &StopAfter { left: Cell::new(steps) }, &memory);
            assert!(matches!(stopped, Err(Error::Stopped(Stop::Terminate))));
        }
        let resumed = reconstruct(&kind, &data, &grid, &Silent, &memory).unwrap();
        assert_eq!(resumed.volume, straight.volume, "{integrator}");
    }
}

#[test]
fn a_fit_that_diverges_keeps_its_last_good_weights_and_says_so() {
    let text = "neural_field: {field: {siren: {width: 16, depth: 2}}, start: null, steps: 60, optimizer: {adam: {rate: \
     1.0e+30}}}";
    let (kind, geometry, grid) = cone_kind(text);
    let (data, _) = ball(&geometry, &grid);
    let found = reconstruct(&kind, &data, &grid, &Silent, &Silent).unwrap();
    assert_eq!(found.warnings.first().map(|warning| warning.code.as_str()), Some("diverged"));
    assert!(found.volume.as_slice().iter().all(|value| value.is_finite()));
}

#[test]
fn held_out_views_stop_a_fit_that_learns_noise_before_its_last_step() {
    let text = "neural_field: {field: {siren: {width: 64, depth: 2, omega: 60}}, start: null, tv: 0, schedule: \
     constant, steps: 120, \
        held_out: {every: 4, look: 5, patience: 3}, optimizer: {muon: {rate: 1.0e-2}}}";
    let (kind, geometry, grid) = cone_kind(text);
    let (data, _) = ball(&geometry, &grid);
    let noise = data
        .as_slice()
        .iter()
        .enumerate()
        .map(|(i, value)| value + 0.2 * ((i * 7919 % 1009) as f32 / 504.5 - 1.0))
        .collect();
    let noisy = Projections::from_vec(geometry, noise).unwrap();
    let found = reconstruct(&kind, &noisy, &grid, &Silent, &Silent).unwrap();
    let best = found.notes["held_out"]["best_step"].as_u64().unwrap();
    assert!(found.curve.len() < 120 && best + 15 <= found.curve.len() as u64 + 4, "{best} of {}", found.curve.len());
}

#[test]
fn a_sweep_takes_the_value_that_explains_left_out_views_and_fits_with_it() {
    let field = |sigma: &str, more: &str| {
        format!(
            "neural_field: {{field: {{mlp: {{encoding: {{fourier: {{features: 32, sigma: {sigma}}}}}, activation: \
             relu, width: 32}}}}, \
            start: null, steps: 80, tv: 0, optimizer: {{muon: {{rate: 1.0e-2}}}}{more}}}"
        )
    };
    let (swept, geometry, grid) = cone_kind(&field(
        "4",
        ", sweep: {key: field.mlp.encoding.fourier.sigma, values: [0.02, 1, 40], every: 4, steps: 60}",
    ));
    let (data, truth) = ball(&geometry, &grid);
    let found = reconstruct(&swept, &data, &grid, &Silent, &Silent).unwrap();
    let note = &found.notes["sweep"];
    assert_eq!(note["value"], 1, "{note}");
    let scores: Vec<f64> = note["tried"].as_array().unwrap().iter().map(|tried| tried[1].as_f64().unwrap()).collect();
    assert!(scores[1] < 0.8 * scores[0] && scores[1] < 0.8 * scores[2], "{scores:?}");
    let direct = |sigma| reconstruct(&algorithm(&field(sigma, "")), &data, &grid, &Silent, &Silent).unwrap().volume;
    assert_eq!(found.volume, direct("1"));
    // The choice, made without the truth, is the one that the truth would have made.
    let [low, best, high] = ["0.02", "1", "40"].map(|sigma| psnr(&truth, &direct(sigma)));
    assert!(best > low && best > high, "{low} {best} {high}");
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);

    let (ends, ..) =
        cone_kind(&field("4", ", sweep: {key: field.mlp.encoding.fourier.sigma, values: [1, 40], every: 4}"));
    let found = reconstruct(&ends, &data, &grid, &Silent, &Silent).unwrap();
    assert_eq!(found.warnings.first().map(|warning| warning.code.as_str()), Some("sweep_end"));
}

#[test]
fn a_sweep_of_nonsense_is_refused_by_key() {
    for (sweep, expected) in [
        ("{key: field.siren.omga, values: [10, 20]}", "did you mean `omega`?"),
        ("{key: field.mlp.width, values: [10, 20]}", "the configuration has no `field.mlp`"),
        ("{key: field.siren.omega, values: [10]}", "at least 2 values"),
        ("{key: field.siren.omega, values: [10, -3]}", "values[1].field.siren.omega"),
        ("{key: field.siren.omega, values: [10, twenty]}", "expected a number"),
        ("{key: steps, values: [10, 20], every: 99}", "half the directions"),
        ("{key: weight, values: [1, 2]}", "every trial overrides this key"),
        ("{key: steps, values: [10, 20], steps: 5}", "every trial overrides this key"),
    ] {
        let (kind, geometry, grid) = cone_kind(&format!("neural_field: {{sweep: {sweep}}}"));
        let problem = kind.named(kind.as_part().accept(&Setup::xrays(&geometry, &grid))).unwrap_err().to_string();
        assert!(problem.starts_with("neural_field.sweep") && problem.contains(expected), "{problem}");
    }
}

#[test]
fn a_field_starts_from_the_volume_of_another_method() {
    let text = "neural_field: {field: {siren: {width: 64, depth: 2, omega: 15}}, start: null, steps: 1, optimizer: \
     {muon: {rate: 1.0e-6}}}";
    let (kind, geometry, grid) = cone_kind(text);
    let (data, truth) = ball(&geometry, &grid);
    let with = |initial: Option<Volume>| {
        let mut run = Run { initial, ..Run::quiet(Device::Cpu, 7) };
        psnr(&truth, &kind.as_part().reconstruct(&Problem::xrays(&data, &grid, MU_WATER), &mut run).unwrap().volume)
    };
    let (alone, started) = (with(None), with(Some(truth.clone())));
    assert!(started > alone + 5.0, "{alone} {started}");
}
