//! The fit itself: its phases, one field of an ensemble after the other, and its checkpoints.

mod outcome;
mod steps;

use super::Config;
use super::checkpoint::{self, Snapshot};
use super::ensemble::Ensemble;
use super::phase::Phase;
use super::problem::FitProblem;
use super::start::Regression;
use super::weight_selection::WeightSelection;
use crate::algorithms::{Reconstruction, Run};
use crate::data::{CurvePoint, Quantity, Volume, Warning, Warnings};
use crate::error::{Error, Result};
use crate::fields::coordinates::Coordinates;
use crate::fields::{Domain, Field};
use crate::optimizers::Optimizer;
use crate::renderers::line_integral::Memory;
use crate::tensors::to_vec;
use std::time::Instant;

/// A fit under way.
pub(super) struct Fit<'a> {
    config: &'a Config,
    problem: FitProblem<'a>,
    coordinates: Coordinates,
    field: Box<dyn Field>,
    optimizer: Box<dyn Optimizer>,
    /// Hash that a checkpoint must match, see [`checkpoint::identity`].
    identity: String,
    /// Settings of the regression on the initial volume, if there is one.
    regression: Option<Regression>,
    start: Option<Volume>,
    seed: u64,
    ensemble: Ensemble,
    watch: WeightSelection,
    /// Tensor that the integrator keeps between steps.
    memory: Memory,
    phase: Phase,
    /// Steps done in the phase.
    step: u64,
    curve: Vec<CurvePoint>,
    begun: Instant,
    seconds_before: f64,
    saved: Instant,
    warnings: Warnings,
}

impl<'a> Fit<'a> {
    pub(super) fn new(config: &'a Config, problem: FitProblem<'a>, run: &Run<'_>) -> Result<Self> {
        let options = problem.full().options;
        let regression = match &config.start {
            Some(start) => Some(start.keys.clone()),
            None => run.initial.is_some().then(Regression::default),
        };
        let (field, optimizer) = fresh(config, &problem, run.seed)?;
        Ok(Self {
            coordinates: Coordinates::new(problem.grid, problem.grid, options)?,
            identity: checkpoint::identity(config, &problem, run)?,
            start: run.initial.clone(),
            seed: run.seed,
            ensemble: Ensemble::default(),
            watch: WeightSelection::default(),
            memory: None,
            phase: if regression.is_some() { Phase::Regression } else { Phase::Data },
            step: 0,
            curve: Vec::new(),
            begun: Instant::now(),
            seconds_before: 0.0,
            saved: Instant::now(),
            warnings: Warnings::new(),
            config,
            problem,
            field,
            optimizer,
            regression,
        })
    }

    pub(super) fn run(mut self, run: &mut Run<'_>) -> Result<Reconstruction> {
        if self.problem.full().support.numel() == 0 {
            let warning = Warning::new(
                "nothing_seen",
                "every line integral is that of air: the volume is air and no field was fitted",
            );
            return Ok(Reconstruction { warnings: vec![warning], ..Reconstruction::plain(self.problem.air()) });
        }
        self.resume(run)?;
        while self.ensemble.members < self.config.ensemble {
            self.fit_one(run)?;
            let values = to_vec(&self.volume()?)?;
            self.ensemble.add(&values);
            if self.config.ensemble > 1 {
                self.ensemble.remember(self.field.parameters())?;
            }
            if self.ensemble.members < self.config.ensemble {
                self.next_member(run)?;
            }
        }
        // Save the final weights, which are a result too.
        run.checkpoints.save(&self.snapshot()?)?;
        self.finish()
    }

    /// Fits one field through all phases.
    fn fit_one(&mut self, run: &mut Run<'_>) -> Result<()> {
        if let (Phase::Regression, Some(regression)) = (self.phase, self.regression.clone()) {
            self.regress(&regression, run)?;
            self.optimizer = self.config.optimizer.kind.as_part().build(self.field.parameters());
            (self.phase, self.step) = (Phase::Data, 0);
        }
        if self.phase == Phase::Data {
            self.fit_data(run)?;
        }
        if let Some(finish) = &self.config.finish {
            if self.phase == Phase::Data {
                self.watch.conclude(self.field.parameters());
                self.watch.average = None;
                self.optimizer = finish.kind.as_part().build(self.field.parameters());
                (self.phase, self.step) = (Phase::Refinement, 0);
            }
            self.fit_refinement(finish.keys.steps, finish.kind.as_part().rate(), run)?;
        }
        self.watch.conclude(self.field.parameters());
        Ok(())
    }

    /// Prepares the next member of the ensemble: a field with other random weights, from the first phase on.
    fn next_member(&mut self, run: &Run<'_>) -> Result<()> {
        self.reseed(run.seed)?;
        (self.watch, self.memory) = (WeightSelection::default(), None);
        self.phase = if self.regression.is_some() { Phase::Regression } else { Phase::Data };
        self.step = 0;
        Ok(())
    }

    fn reseed(&mut self, seed: u64) -> Result<()> {
        self.seed = Ensemble::seed(self.ensemble.members, seed);
        self.problem.reseed(self.seed);
        (self.field, self.optimizer) = fresh(self.config, &self.problem, self.seed)?;
        Ok(())
    }

    /// Resumes from the newest checkpoint of this fit, if there is one.
    fn resume(&mut self, run: &Run<'_>) -> Result<()> {
        run.checkpoints.load(&mut |bytes| {
            let snapshot = Snapshot::decode(bytes, &self.identity)?;
            self.ensemble = snapshot.ensemble.clone();
            // A finished member is counted before the next one begins, so the current member's index is `members`, or
            // one less at the end.
            let complete = self.ensemble.members == self.config.ensemble;
            self.ensemble.members -= usize::from(complete);
            self.reseed(run.seed)?;
            self.ensemble.members = snapshot.ensemble.members;
            if let (Phase::Refinement, Some(finish)) = (snapshot.phase, &self.config.finish) {
                self.optimizer = finish.kind.as_part().build(self.field.parameters());
            }
            snapshot.restore(self.field.parameters(), self.optimizer.as_mut(), &mut self.watch)?;
            self.memory = snapshot.memory(run.device);
            if let Some(values) = snapshot.start {
                self.start = Some(Volume::from_vec(self.problem.grid.clone(), Quantity::Attenuation, values)?);
            }
            (self.phase, self.step) = (snapshot.phase, snapshot.step);
            (self.curve, self.seconds_before) = (snapshot.curve, snapshot.seconds);
            Ok(())
        })?;
        Ok(())
    }

    /// Between steps: saves a checkpoint if one is due, and stops if that was requested.
    fn pause(&mut self, run: &Run<'_>) -> Result<()> {
        let stop = run.stop.stop();
        if stop.is_some() || self.saved.elapsed().as_secs_f64() >= self.config.checkpoint_seconds {
            run.checkpoints.save(&self.snapshot()?)?;
            self.saved = Instant::now();
        }
        stop.map_or(Ok(()), |why| Err(Error::Stopped(why)))
    }

    fn snapshot(&self) -> Result<Vec<u8>> {
        let place = checkpoint::CheckpointMetadata {
            grid: self.problem.grid,
            mu_ref: self.problem.mu_ref,
            config: self.config,
            identity: &self.identity,
        };
        let snapshot = Snapshot {
            phase: self.phase,
            step: self.step,
            seconds: self.seconds(),
            curve: self.curve.clone(),
            start: self.start.as_ref().map(|volume| volume.as_slice().to_vec()),
            support: self.problem.members()?,
            ensemble: self.ensemble.clone(),
            marks: checkpoint::WatchState::of(&self.watch),
            tensors: checkpoint::tensors(self.field.parameters(), self.optimizer.as_ref(), &self.watch, &self.memory)?,
        };
        snapshot.encode(&place)
    }
}

/// A field with random initial weights, and its optimizer.
fn fresh(config: &Config, problem: &FitProblem<'_>, seed: u64) -> Result<(Box<dyn Field>, Box<dyn Optimizer>)> {
    let field = config.field.kind.as_part().build(&Domain::of(problem.grid), seed, problem.full().options)?;
    let optimizer = config.optimizer.kind.as_part().build(field.parameters());
    Ok((field, optimizer))
}
