//! The fit itself: phases, steps, checkpoints, and the volume at the end.

use super::checkpoint::{self, Snapshot};
use super::{Config, Start};
use crate::algorithms::{Reconstruction, Run};
use crate::data::{CurvePoint, Grid, MU_REFERENCE_OVER_WATER, Projections, Quantity, Volume, Warning};
use crate::error::{Error, Result};
use crate::fields::coordinates::Coordinates;
use crate::fields::integrators::{Loss, Objective, Residual};
use crate::fields::{Domain, Field};
use crate::optimizers::Optimizer;
use crate::projectors;
use crate::projectors::kernels::support::seen_support;
use crate::random::stream;
use crate::tensors::{from_projections, from_volume, to_vec, torch_error};
use rand::RngExt;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Instant;
use tch::{Kind, Tensor};

/// Line integrals below this say that a ray met nothing but air (half a millimetre of water and noise).
const AIR: f32 = 0.02;

/// Where in the fit a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Learning the start's volume.
    Regression,
    /// Learning the projections.
    Data,
}

/// A fit under way.
pub(super) struct Fit<'a> {
    config: &'a Config,
    grid: &'a Grid,
    data: &'a Projections,
    mu_ref: f64,
    objective: Objective,
    coordinates: Coordinates,
    field: Box<dyn Field>,
    pub(super) optimizer: Box<dyn Optimizer>,
    /// What the checkpoint must have been made for.
    identity: String,
    start: Option<Volume>,
    phase: Phase,
    /// Steps done in the phase.
    step: u64,
    curve: Vec<CurvePoint>,
    begun: Instant,
    seconds_before: f64,
    saved: Instant,
}

impl<'a> Fit<'a> {
    pub(super) fn new(config: &'a Config, data: &'a Projections, grid: &'a Grid, run: &Run<'_>) -> Result<Self> {
        let options = (Kind::Float, run.device);
        let mu_ref = MU_REFERENCE_OVER_WATER * run.mu_water;
        let projector = run.projector(grid, &data.geometry)?;
        let norm_squared = projectors::norm_squared(projector.as_ref(), run.device, 15)?;
        let objective = Objective {
            grid: grid.clone(),
            geometry: data.geometry.clone(),
            model: run.model,
            data: from_projections(data, run.device)? / mu_ref,
            norm_squared,
            tv: config.tv,
            support: support(config, data, grid)?.to_device(run.device),
            chunk: config.chunk,
            seed: run.seed,
            options,
        };
        let field = config.field.kind.as_part().build(&Domain::of(grid), run.seed, options)?;
        let optimizer = config.optimizer.kind.as_part().build(field.parameters());
        let phase = if config.start.is_some() { Phase::Regression } else { Phase::Data };
        Ok(Self {
            coordinates: Coordinates::new(grid, grid, options)?,
            identity: checkpoint::identity(config, data, grid, run)?,
            start: None,
            curve: Vec::new(),
            begun: Instant::now(),
            seconds_before: 0.0,
            saved: Instant::now(),
            step: 0,
            config,
            grid,
            data,
            mu_ref,
            objective,
            field,
            optimizer,
            phase,
        })
    }

    pub(super) fn run(mut self, run: &mut Run<'_>) -> Result<Reconstruction> {
        if self.objective.support.numel() == 0 {
            let warning = Warning::new("nothing_seen", "no ray met anything but air: the volume is air and no field was fitted");
            let air = Volume::filled(self.grid.clone(), Quantity::Attenuation, 0.0);
            return Ok(Reconstruction { warnings: vec![warning], ..Reconstruction::plain(air) });
        }
        self.resume(run)?;
        if let (Phase::Regression, Some(start)) = (self.phase, &self.config.start) {
            self.regress(start, run)?;
            self.optimizer = self.config.optimizer.kind.as_part().build(self.field.parameters());
            (self.phase, self.step) = (Phase::Data, 0);
        }
        self.fit_data(run)?;
        // The weights are a result too.
        run.checkpoints.save(&self.snapshot()?)?;
        self.finish()
    }

    /// Takes up the newest checkpoint made for this very fit.
    fn resume(&mut self, run: &Run<'_>) -> Result<()> {
        run.checkpoints.load(&mut |bytes| {
            let snapshot = Snapshot::decode(bytes, &self.identity)?;
            snapshot.restore(self.field.parameters(), self.optimizer.as_mut())?;
            self.start = snapshot.start.map(|values| Volume::from_vec(self.grid.clone(), Quantity::Attenuation, values)).transpose()?;
            (self.phase, self.step) = (snapshot.phase, snapshot.step);
            (self.curve, self.seconds_before) = (snapshot.curve, snapshot.seconds);
            Ok(())
        })?;
        Ok(())
    }

    /// Learns the start's volume on random voxels of the support.
    fn regress(&mut self, start: &Start, run: &mut Run<'_>) -> Result<()> {
        let volume = if let Some(volume) = self.start.take() {
            volume
        } else {
            let mut inner = Run { progress: run.progress, model: run.model, ..Run::quiet(run.device, run.seed, run.mu_water) };
            start.kind.as_part().reconstruct(self.data, self.grid, &mut inner)?.volume
        };
        let target = (from_volume(&volume, run.device)? / self.mu_ref).view(-1);
        self.start = Some(volume);
        let members = self.objective.support.size()[0];
        run.progress.begin("regression", Some(start.beside.steps));
        while self.step < start.beside.steps {
            self.pause(run)?;
            let mut random = stream(run.seed, "regression voxels", self.step);
            let picks: Vec<i64> = (0..start.beside.batch).map(|_| random.random_range(0..members)).collect();
            let voxels = self.objective.support.index_select(0, &Tensor::from_slice(&picks).to_device(run.device));
            let loss = self.regression_step(&voxels, &target.index_select(0, &voxels))?;
            let rate = start.beside.rate * self.config.schedule.factor(self.step, start.beside.steps);
            self.advance(loss, rate, run)?;
        }
        run.progress.end();
        Ok(())
    }

    /// ½ mean (f − target)² with its gradient, in chunks.
    fn regression_step(&self, voxels: &Tensor, target: &Tensor) -> Result<f64> {
        let count = voxels.size()[0];
        let mut loss = 0.0;
        for (first, n) in self.objective.chunks(count) {
            let points = self.coordinates.of_voxels(&voxels.narrow(0, first, n))?;
            let mut slopes = |values: &Tensor| {
                let residual = values.f_sub(&target.narrow(0, first, n)).map_err(torch_error)?;
                let squares = residual.f_square().and_then(|s| s.f_sum(Kind::Double)).map_err(torch_error)?;
                loss += 0.5 * squares.double_value(&[]) / count as f64;
                residual.f_div_scalar(count as f64).map_err(torch_error)
            };
            self.field.accumulate(&points, &mut slopes)?;
        }
        Ok(loss)
    }

    /// Learns the projections.
    fn fit_data(&mut self, run: &mut Run<'_>) -> Result<()> {
        let integrator = self.config.integrator.kind.as_part();
        let first_rate = self.config.optimizer.kind.as_part().rate();
        run.progress.begin("fit", Some(self.config.steps));
        while self.step < self.config.steps {
            self.pause(run)?;
            let residual = if self.step < self.config.ramp_steps { Residual::Ramp } else { Residual::Plain };
            let Loss { data, regularizer } = integrator.accumulate(self.field.as_ref(), &self.objective, residual, self.step)?;
            let rate = first_rate * self.config.schedule.factor(self.step, self.config.steps);
            self.advance(data + regularizer, rate, run)?;
        }
        run.progress.end();
        Ok(())
    }

    /// One optimizer step after its gradients were accumulated; keeps the curve and notices divergence.
    fn advance(&mut self, loss: f64, rate: f64, run: &Run<'_>) -> Result<()> {
        if !loss.is_finite() {
            let problem = format!("the fit diverged at {:?} step {}: its loss is {loss}", self.phase, self.step + 1);
            return Err(
                Error::resource("neural_field", problem).hint("lower the optimizer's rate; the last checkpoint holds the state before")
            );
        }
        self.optimizer.step(self.field.parameters(), rate)?;
        self.step += 1;
        run.progress.advance(self.step, &[("loss", loss), ("rate", rate)]);
        let total = self.curve.len() as u64 + 1;
        let phase = if self.phase == Phase::Regression { 0.0 } else { 1.0 };
        let figures = BTreeMap::from([("rate".to_string(), rate), ("phase".to_string(), phase)]);
        self.curve.push(CurvePoint { step: total, seconds: self.seconds(), loss, figures });
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.begun.elapsed().as_secs_f64()
    }

    /// Between steps: a checkpoint if one is due, and the stop that was asked for.
    fn pause(&mut self, run: &Run<'_>) -> Result<()> {
        let stop = run.progress.stop();
        if stop.is_some() || self.saved.elapsed().as_secs_f64() >= self.config.checkpoint_seconds {
            run.checkpoints.save(&self.snapshot()?)?;
            self.saved = Instant::now();
        }
        stop.map_or(Ok(()), |why| Err(Error::Stopped(why)))
    }

    fn snapshot(&self) -> Result<Vec<u8>> {
        let place = checkpoint::Place { grid: self.grid, mu_ref: self.mu_ref, config: self.config, identity: &self.identity };
        let snapshot = Snapshot {
            phase: self.phase,
            step: self.step,
            seconds: self.seconds(),
            curve: self.curve.clone(),
            start: self.start.as_ref().map(|volume| volume.as_slice().to_vec()),
            tensors: checkpoint::tensors(self.field.parameters(), self.optimizer.as_ref())?,
        };
        snapshot.encode(&place)
    }

    /// The field on the whole grid, air outside the support, and its notes.
    fn finish(self) -> Result<Reconstruction> {
        let points = |first, n| self.coordinates.of_voxels(&self.objective.support.narrow(0, first, n));
        let inside = self.objective.evaluate(self.field.as_ref(), self.objective.support.size()[0], &points)?;
        let mut values = Tensor::zeros([self.grid.voxels() as i64], self.objective.options).index_copy(0, &self.objective.support, &inside);
        if self.config.nonnegative {
            values = values.clamp_min(0.0);
        }
        let volume = Volume::from_vec(self.grid.clone(), Quantity::Attenuation, to_vec(&(values * self.mu_ref))?)?;
        let weights: usize = self.field.parameters().iter().map(|p| p.value.numel()).sum();
        let mut notes = BTreeMap::from([
            ("parameters".to_string(), json!(weights)),
            ("support_voxels".to_string(), json!(self.objective.support.numel())),
        ]);
        if let Some(start) = &self.config.start {
            notes.insert("start".to_string(), json!({"algorithm": crate::registry::Kinds::name(&start.kind)}));
        }
        Ok(Reconstruction { volume, curve: self.curve, notes, start: self.start, warnings: Vec::new() })
    }
}

/// The numbers of the voxels a field is asked for.
fn support(config: &Config, data: &Projections, grid: &Grid) -> Result<Tensor> {
    let mut numbers: Vec<i64> = (0..grid.voxels() as i64).collect();
    if config.support {
        let seen = seen_support(grid, &data.geometry, data.as_slice(), AIR);
        numbers.retain(|&n| seen[n as usize]);
    }
    Tensor::f_from_slice(&numbers).map_err(torch_error)
}
