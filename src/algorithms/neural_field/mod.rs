//! A coordinate network fitted to the projections by differentiable ray integration.
//!
//! min over weights of ½ ‖A f − y‖² / ‖A‖² + w TV(f), f = field(points) = mu / mu_ref. In up to four phases:
//! 1. *start* (optional): a volume (of another method, of an entry above by `start_from`, or an earlier scan: NeRP's
//!    prior embedding) is learned by regression on random voxels, which needs no projector and so costs little per
//!    step;
//! 2. *ramp*: the first data steps follow the ramp-filtered residual, whose gradient is a filtered backprojection;
//! 3. *plain*: the rest follow the plain residual, with the learning rate falling to zero; the first of them may be
//!    taken on coarser grids;
//! 4. *finish* (optional): some steps of another optimizer.
//!
//! The result is the last weights, or their average over the last steps, or those that explain held-out views best; of
//! an ensemble the mean of the fields, with their spread as its uncertainty.
//!
//! The defaults are for 3-D on a CPU: a TV start, then few data steps on the whole grid. In 2-D, and where steps are
//! cheap, a field from random weights does better: `start: null`, `ramp_steps: 100`, `steps: 600`, `optimizer: {muon:
//! {rate: 8.0e-4}}`.
//!
//! Sitzmann et al. 2020 (SIREN); Shen et al., NeRP, IEEE TNNLS 2022 (fitting a field to an image, then to projections);
//! Jordan et al. 2024 (Muon). What each choice is worth is measured in docs/benchmarks/fields.md.

mod checkpoint;
mod ensemble;
mod fit;
mod held_out;
mod judgement;
mod phase;
mod problem;
mod refinement;
mod saved;
mod start;
mod sweep;
mod weight_selection;

pub use held_out::HeldOut;
pub use refinement::{Refinement, Steps};
pub use saved::Fitted;
pub use start::{Regression, Start};
pub use sweep::ValueSweep;

use super::statistics::Statistics;
use super::weight::{Auto, Choice, Weight};
use super::{Algorithm, AlgorithmKind, Estimate, Problem, Reconstruction, Run, Setup, Takes, tv};
use crate::error::{Error, Result};
use crate::fields::regularizers::RegularizerKind;
use crate::fields::siren;
use crate::fields::{Domain, FieldKind};
use crate::optimizers::{OptimizerKind, Schedule, muon};
use crate::registry::{Kinds, OneOf};
use crate::renderers::line_integral::{IntegratorKind, lattice};
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A neural field and how it is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The network.
    pub field: OneOf<FieldKind>,
    /// How it is integrated along rays.
    pub integrator: OneOf<IntegratorKind>,
    /// What steps its weights.
    pub optimizer: OneOf<OptimizerKind>,
    /// How the learning rate falls over the data steps.
    pub schedule: Schedule,
    /// Data steps.
    pub steps: u64,
    /// How many of the data steps, the first, follow the ramp-filtered residual.
    pub ramp_steps: u64,
    /// What `tv` and the weights of `regularizers` are multiplied with; `auto`: with the weight that `tv: {weight:
    /// auto}` chooses from the projections, so that they are in units of it.
    pub weight: Weight,
    /// Weight of the total variation, per voxel of x = mu / (2.5 mu_water).
    pub tv: f64,
    /// The noise of the data: rays then count by the inverse of their variance. `null`: all alike.
    pub noise: Option<Statistics>,
    /// More that is known of the volume, each with its weight.
    pub regularizers: Vec<OneOf<RegularizerKind>>,
    /// Data steps on coarser grids before those on the full one, coarsest first: [40, 60] is 40 steps on a grid
    /// four times coarser, then 60 on one twice coarser. They count among `steps`.
    pub coarse_steps: Vec<u64>,
    /// Another method whose volume the field learns first; `null` to start from random weights.
    pub start: Option<Box<Start>>,
    /// After the data steps, some more with another optimizer.
    pub finish: Option<Refinement>,
    /// Largest Euclidean norm of a step's gradient over all weights; 0 for any.
    pub clip: f64,
    /// Share of the data steps, the last, over which the weights are averaged for the result; 0 takes the last weights.
    pub average: f64,
    /// Leave views out of the fit, and take the weights that explain them best; `null` fits all views and takes the
    /// last weights.
    pub held_out: Option<HeldOut>,
    /// Try some values of a key first, and take the one that explains left-out views best.
    pub sweep: Option<ValueSweep>,
    /// End the data steps after so many seconds of fitting. The result then depends on the machine's speed.
    pub max_seconds: Option<f64>,
    /// Fit once more without one view in four, predict those by the field and by total variation with an automatic
    /// weight, and where the field predicts worse hand back total variation's volume (warning `worse_than_tv`). Takes
    /// twice the time.
    pub fallback: bool,
    /// Fields fitted from different random numbers. Their mean is the result, their standard deviation its uncertainty.
    pub ensemble: usize,
    /// Ask the field only where the projections allow anything but air.
    pub support: bool,
    /// Most points evaluated at once: bounds memory whatever the volume.
    pub chunk: usize,
    /// Negative attenuation of the result is set to zero.
    pub nonnegative: bool,
    /// Seconds between checkpoints. Does not change the result.
    pub checkpoint_seconds: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            field: FieldKind::Siren(siren::Config::default()).into(),
            integrator: IntegratorKind::Lattice(lattice::Config::default()).into(),
            optimizer: OptimizerKind::Muon(muon::Config { rate: 1e-3, ..muon::Config::default() }).into(),
            schedule: Schedule::Linear,
            steps: 100,
            ramp_steps: 0,
            weight: 1.0.into(),
            tv: 2e-4,
            noise: None,
            start: Some(Box::new(Start {
                kind: AlgorithmKind::Tv(tv::Config { iterations: 100, tolerance: 0.0, ..tv::Config::default() }),
                keys: Regression::default(),
            })),
            regularizers: Vec::new(),
            coarse_steps: Vec::new(),
            finish: None,
            clip: 0.0,
            average: 0.0,
            held_out: None,
            sweep: None,
            max_seconds: None,
            fallback: false,
            ensemble: 1,
            support: true,
            chunk: 4096,
            nonnegative: true,
            checkpoint_seconds: 20.0,
        }
    }
}

impl Config {
    fn choose_weight(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Choice> {
        tv::Config { weight: self.weight.clone(), noise: self.noise, ..tv::Config::default() }
            .choose_weight(problem, run)
    }

    pub(super) fn check_numbers(&self) -> Result<()> {
        if self.steps == 0 && self.start.is_none() {
            return Err(Error::config("steps", "expected at least 1 without a start, got 0"));
        }
        if self.ramp_steps > self.steps {
            let problem = format!("expected at most steps = {}, got {}", self.steps, self.ramp_steps);
            return Err(Error::config("ramp_steps", problem));
        }
        require::not_negative("tv", self.tv)?;
        if self.ramp_steps + self.coarse_steps.iter().sum::<u64>() > self.steps {
            let problem = format!(
                "expected at most steps = {} together with ramp_steps, got {:?}",
                self.steps, self.coarse_steps
            );
            return Err(Error::config("coarse_steps", problem));
        }
        if self.coarse_steps.len() > 6 {
            return Err(Error::config(
                "coarse_steps",
                format!("expected at most 6 levels, got {}", self.coarse_steps.len()),
            ));
        }
        for (key, value) in [("clip", self.clip), ("max_seconds", self.max_seconds.unwrap_or(0.0))] {
            require::not_negative(key, value)?;
        }
        if !(0.0..=1.0).contains(&self.average) {
            return Err(Error::config(
                "average",
                format!("expected a share of the steps, 0 to 1, got {}", self.average),
            ));
        }
        if !(1..=64).contains(&self.ensemble) {
            return Err(Error::config("ensemble", format!("expected 1 to 64 fields, got {}", self.ensemble)));
        }
        if !(16..=1 << 24).contains(&self.chunk) {
            return Err(Error::config("chunk", format!("expected 16 to 2^24 points, got {}", self.chunk)));
        }
        require::not_negative("checkpoint_seconds", self.checkpoint_seconds)
    }

    /// Refuses steps that look at whole projections with an integrator that takes single rays.
    fn check_steps_of_whole_projections(&self) -> Result<()> {
        if self.integrator.kind.as_part().whole_projections() {
            return Ok(());
        }
        let hint = "use integrator: lattice";
        if self.ramp_steps > 0 {
            let problem = format!("expected 0 with an integrator that takes single rays, got {}", self.ramp_steps);
            return Err(Error::config("ramp_steps", problem).hint(hint));
        }
        if self.coarse_steps.is_empty() {
            return Ok(());
        }
        Err(Error::config("coarse_steps", "expected none with an integrator that takes single rays").hint(hint))
    }
}

impl Algorithm for Config {
    /// Its integrators follow the rays.
    fn takes(&self) -> Takes {
        Takes::Xrays
    }

    fn check(&self, setup: &Setup<'_>) -> Result<()> {
        self.check_numbers()?;
        let at = |key: &'static str| move |error: Error| error.under(key);
        let grid = setup.grid;
        let (field, integrator, optimizer) = (&self.field.kind, &self.integrator.kind, &self.optimizer.kind);
        field.named(field.as_part().check(&Domain::of(grid))).map_err(at("field"))?;
        integrator.named(integrator.as_part().check()).map_err(at("integrator"))?;
        optimizer.named(optimizer.as_part().check()).map_err(at("optimizer"))?;
        self.check_steps_of_whole_projections()?;
        for (i, entry) in self.regularizers.iter().enumerate() {
            let checked = entry.kind.named(entry.kind.as_part().check());
            checked.map_err(|error| error.under(&format!("regularizers[{i}]")))?;
        }
        self.weight.check(setup).map_err(at("weight"))?;
        if self.fallback {
            Weight::Auto(Auto::default()).check(setup).map_err(at("fallback"))?;
        }
        self.noise.as_ref().map_or(Ok(()), |noise| noise.check(setup).map_err(at("noise")))?;
        self.held_out.as_ref().map_or(Ok(()), |held| held.check(setup).map_err(at("held_out")))?;
        if let Some(finish) = &self.finish {
            finish.kind.named(finish.kind.as_part().check()).map_err(at("finish"))?;
        }
        if let Some(start) = &self.start {
            start::check(start, setup).map_err(at("start"))?;
        }
        self.sweep.as_ref().map_or(Ok(()), |sweep| sweep.check(self, setup).map_err(at("sweep")))
    }

    fn file(&self) -> Option<&Path> {
        self.start.as_ref().and_then(|start| start.kind.as_part().file())
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let cost = self.field.kind.as_part().cost(&Domain::of(setup.grid));
        let (samples, voxels) = (setup.samples() as u64, setup.grid.voxels() as u64);
        // Each voxel once more without gradients: a third of what forward and backward cost.
        let points = self.steps as f64 * voxels as f64 * 8.0 / 6.0
            + self.start.as_ref().map_or(0.0, |s| (s.keys.steps * s.keys.batch as u64) as f64);
        let begin = self.start.as_ref().map_or_else(Estimate::default, |start| start.kind.as_part().estimate(setup));
        // Each parameter with its gradient and two moments.
        let memory = cost.bytes * self.chunk as u64 + 16 * cost.parameters + 4 * (3 * samples + 12 * voxels);
        let trials = self.sweep.as_ref().map_or(0.0, |sweep| {
            let share = sweep.steps.map_or(1.0, |steps| steps as f64 / self.steps.max(1) as f64);
            sweep.values.len() as f64 * share
        });
        let operations = (1.0 + trials) * (begin.operations + cost.operations * points);
        Estimate { operations, memory_bytes: begin.memory_bytes.max(memory) }
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let choice = self.choose_weight(problem, run)?;
        let swept = self.sweep.as_ref().map(|sweep| sweep.choose(self, choice.weight, problem, run)).transpose()?;
        let config = swept.as_ref().map_or(self, |swept| &swept.config);
        let mut made =
            fit::Fit::new(config, problem::FitProblem::new(config, choice.weight, problem, run)?, run)?.run(run)?;
        if self.fallback {
            config.fall_back(&mut made, &choice, problem, run)?;
        }
        made.notes.extend(choice.notes());
        if let Some(swept) = swept {
            made.notes.insert("sweep".to_string(), swept.note);
            made.warnings.extend(swept.warning);
        }
        Ok(made)
    }
}
