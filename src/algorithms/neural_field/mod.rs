//! A coordinate network fitted to the projections by differentiable ray integration.
//!
//! min over weights of ½ ‖A f − y‖² / ‖A‖² + w TV(f), f = field(points) = mu / mu_ref. In up to four phases:
//! 1. *start* (optional): the field learns a volume (of another method, of an earlier entry by `start_from`, or of an
//!    earlier scan: NeRP's prior embedding) by regression on random voxels, which needs no projector and so costs
//!    little per step;
//! 2. *ramp*: the first data steps minimise the ramp-filtered residual, whose gradient is a filtered backprojection;
//! 3. *plain*: the other data steps minimise the plain residual, with the learning rate falling to zero; the first of
//!    them may be taken on coarser grids;
//! 4. *finish* (optional): further data steps with another optimizer.
//!
//! The result has the last weights, their average over the last steps, or those that predict held-out views best. An
//! ensemble gives the mean of its fields, with their standard deviation as the uncertainty.
//!
//! The defaults are for 3-D on a CPU: a TV start, then few data steps on the whole grid. In 2-D, and wherever steps are
//! cheap, a field from random weights gives better results: `start: null`, `ramp_steps: 100`, `steps: 600`, `optimizer:
//! {muon: {rate: 8.0e-4}}`.
//!
//! Sitzmann et al. 2020 (SIREN); Shen et al., NeRP, IEEE TNNLS 2022 (fitting a field to an image, then to projections);
//! Jordan et al. 2024 (Muon). docs/benchmarks/fields.md measures the effect of each choice.

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

/// A neural field and the settings of its fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The network that represents the attenuation.
    pub field: OneOf<FieldKind>,
    /// How the field is integrated along rays.
    pub integrator: OneOf<IntegratorKind>,
    /// Optimizer of the network's weights.
    pub optimizer: OneOf<OptimizerKind>,
    /// How the learning rate decreases over the data steps.
    pub schedule: Schedule,
    /// Number of data steps, `ramp_steps` and `coarse_steps` included.
    pub steps: u64,
    /// Number of data steps at the beginning that minimise the ramp-filtered residual.
    pub ramp_steps: u64,
    /// Factor on `tv` and on the weights of `regularizers`. `auto` takes the weight that the method `tv` with `weight:
    /// auto` chooses from the projections, so that they are in units of that weight.
    pub weight: Weight,
    /// Weight of the total variation of x = mu / (2.5 mu_water), for differences over one voxel of the output grid; 0
    /// is none.
    pub tv: f64,
    /// Noise model of the data: each ray is then weighted by the inverse of its variance. `null` weights all rays
    /// equally.
    pub noise: Option<Statistics>,
    /// Further regularisers, each with its weight.
    pub regularizers: Vec<OneOf<RegularizerKind>>,
    /// Numbers of data steps on coarser grids before those on the full grid, coarsest first: [40, 60] is 40 steps on a
    /// grid four times coarser, then 60 on one twice coarser. They are part of `steps`; at most 6 levels.
    pub coarse_steps: Vec<u64>,
    /// Method whose volume the field learns first; `null` starts from random weights.
    pub start: Option<Box<Start>>,
    /// Further data steps with another optimizer after the others; `null` for none.
    pub finish: Option<Refinement>,
    /// Upper limit of the Euclidean norm of the gradient over all weights in a data step; 0 is no limit.
    pub clip: f64,
    /// Fraction of the data steps, at their end, over which the weights are averaged for the result, 0 to 1; 0 takes
    /// the last weights.
    pub average: f64,
    /// Hold views out of the fit and take the weights that predict them best; `null` fits all views and takes the last
    /// weights.
    pub held_out: Option<HeldOut>,
    /// Try several values of one key first and take the one that predicts left-out views best; `null` for no sweep.
    pub sweep: Option<ValueSweep>,
    /// End the data steps after this many seconds of fitting; `null` is no limit. The result then depends on the speed
    /// of the machine.
    pub max_seconds: Option<f64>,
    /// Fit the field and total variation again without one view in four, and compare how well they predict those views.
    /// If the field is worse, the result is the total variation volume, with the warning `worse_than_tv`. Takes about
    /// twice the time.
    pub fallback: bool,
    /// Number of fields fitted with different random numbers, 1 to 64. Their mean is the result, their standard
    /// deviation its uncertainty.
    pub ensemble: usize,
    /// Evaluate the field only at voxels that no view shows to be air; the others are set to air.
    pub support: bool,
    /// Maximum number of points evaluated at once, which bounds the memory; a GPU may take more.
    pub chunk: usize,
    /// Set negative attenuation of the result to zero.
    pub nonnegative: bool,
    /// Seconds between checkpoints; does not affect the result.
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

    /// Refuses `ramp_steps` and `coarse_steps`, which need whole projections, with an integrator that takes single
    /// rays.
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
    /// X-rays only, because the integrators need the rays.
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
        // Each voxel is evaluated once more without gradients, at a third of the cost of forward and backward.
        let points = self.steps as f64 * voxels as f64 * 8.0 / 6.0
            + self.start.as_ref().map_or(0.0, |s| (s.keys.steps * s.keys.batch as u64) as f64);
        let begin = self.start.as_ref().map_or_else(Estimate::default, |start| start.kind.as_part().estimate(setup));
        // Four f32 values per parameter: the weight, its gradient and two moments.
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
