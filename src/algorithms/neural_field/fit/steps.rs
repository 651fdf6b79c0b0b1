//! The steps of each phase, and the evaluation of the held-out views between them.

use super::Fit;
use crate::algorithms::Run;
use crate::algorithms::neural_field::phase::Phase;
use crate::algorithms::neural_field::start::Regression;
use crate::algorithms::neural_field::weight_selection;
use crate::algorithms::weight::held_out::mean;
use crate::data::{CurvePoint, Volume, Warning};
use crate::error::{Error, Result};
use crate::progress;
use crate::random::stream;
use crate::renderers::line_integral::{Loss, Residual};
use crate::tensors::{from_volume, torch_error};
use rand::RngExt;
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

impl Fit<'_> {
    /// Fits the field to the initial volume on random voxels of the support.
    pub(super) fn regress(&mut self, regression: &Regression, run: &mut Run<'_>) -> Result<()> {
        let Some(volume) = self.initial(run)? else { return Ok(()) };
        let target = (from_volume(&volume, run.device)? / self.problem.mu_ref).view(-1);
        if self.step == 0 {
            self.field.adopt(&target)?;
        }
        self.start = Some(volume);
        let members = self.problem.full().support.size()[0];
        let task = progress::begin("regression", Some(regression.steps));
        while self.step < regression.steps {
            self.pause(run)?;
            let mut random = stream(self.seed, "regression voxels", self.step);
            let picks: Vec<i64> = (0..regression.batch).map(|_| random.random_range(0..members)).collect();
            let voxels = self.problem.full().support.index_select(0, &Tensor::from_slice(&picks).to_device(run.device));
            let loss = self.regression_step(&voxels, &target.index_select(0, &voxels))?;
            if !loss.is_finite() {
                return Err(self.diverged(loss).hint("lower the start's rate"));
            }
            let rate = regression.rate * self.config.schedule.factor(self.step, regression.steps);
            self.advance(loss, rate)?;
        }
        task.end();
        Ok(())
    }

    /// The initial volume: one that was passed in or is left from a checkpoint, otherwise that of the configured start.
    fn initial(&mut self, run: &mut Run<'_>) -> Result<Option<Volume>> {
        match (self.start.take(), &self.config.start) {
            (Some(volume), _) => Ok(Some(volume)),
            (None, Some(start)) => {
                let mut inner = run.trial(None);
                Ok(Some(start.kind.as_part().reconstruct(self.problem.measured, &mut inner)?.volume))
            }
            (None, None) => Ok(None),
        }
    }

    /// Computes ½ mean (f − target)² in chunks and adds its gradient to the parameters' `.grad`.
    fn regression_step(&self, voxels: &Tensor, target: &Tensor) -> Result<f64> {
        let count = voxels.size()[0];
        let mut loss = 0.0;
        for (first, n) in self.problem.full().chunks(count) {
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

    /// Fits the field to the projections.
    pub(super) fn fit_data(&mut self, run: &mut Run<'_>) -> Result<()> {
        let first_rate = self.config.optimizer.kind.as_part().rate();
        let averaged_from = ((1.0 - self.config.average) * self.config.steps as f64).ceil() as u64;
        let task = progress::begin("fit", Some(self.config.steps));
        while self.step < self.config.steps {
            self.pause(run)?;
            let residual = if self.step < self.config.ramp_steps { Residual::Ramp } else { Residual::Plain };
            let rate = first_rate * self.config.schedule.factor(self.step, self.config.steps);
            if !self.data_step(residual, self.step, rate)? || !self.time_left() {
                break;
            }
            if self.step > averaged_from {
                self.watch.add_to_average(self.field.parameters())?;
            }
            if self.look()? {
                break;
            }
        }
        task.end();
        Ok(())
    }

    /// The final data steps with the second optimizer, on the full grid.
    pub(super) fn fit_refinement(&mut self, steps: u64, first_rate: f64, run: &mut Run<'_>) -> Result<()> {
        let task = progress::begin("finish", Some(steps));
        while self.step < steps {
            self.pause(run)?;
            let rate = first_rate * self.config.schedule.factor(self.step, steps);
            if !self.data_step(Residual::Plain, self.config.steps + self.step, rate)? || self.look()? {
                break;
            }
        }
        task.end();
        Ok(())
    }

    /// Takes one data step; returns false if the fit diverged and the last good weights were restored.
    fn data_step(&mut self, residual: Residual, number: u64, rate: f64) -> Result<bool> {
        let integrator = self.config.integrator.kind.as_part();
        let objective = self.problem.at(number);
        let Loss { data, regularizer } =
            integrator.accumulate(self.field.as_ref(), objective, residual, number, &mut self.memory)?;
        let loss = data + regularizer;
        if !loss.is_finite() {
            if !self.watch.fall_back(self.field.parameters()) {
                return Err(self.diverged(loss).hint("lower the optimizer's rate"));
            }
            self.gradients().iter_mut().for_each(|gradient| drop(gradient.zero_()));
            let message = format!(
                "the fit diverged at data step {}; the last good weights are the result: lower the rate",
                number + 1
            );
            self.warnings.push(Warning::new("diverged", message));
            return Ok(false);
        }
        if number.is_multiple_of(weight_selection::GOOD) {
            self.watch.keep(self.field.parameters())?;
        }
        self.clip()?;
        self.advance(loss, rate)?;
        Ok(true)
    }

    fn diverged(&self, loss: f64) -> Error {
        Error::resource(
            "neural_field",
            format!("the fit diverged at {:?} step {}: its loss is {loss}", self.phase, self.step + 1),
        )
    }

    fn gradients(&self) -> Vec<Tensor> {
        self.field.parameters().iter().map(|p| p.value.grad()).filter(Tensor::defined).collect()
    }

    /// Scales the gradient down to the norm `clip` if it is longer (Pascanu, Mikolov, Bengio, ICML 2013).
    fn clip(&self) -> Result<()> {
        if self.config.clip == 0.0 {
            return Ok(());
        }
        let gradients = self.gradients();
        let square: f64 = gradients.iter().map(|g| g.norm().double_value(&[]).powi(2)).sum();
        let factor = self.config.clip / square.sqrt().max(f64::MIN_POSITIVE);
        if factor < 1.0 {
            for mut gradient in gradients {
                let _ = gradient.f_mul_scalar_(factor).map_err(torch_error)?;
            }
        }
        Ok(())
    }

    /// Evaluates the held-out views if that is due; returns true if their score has not improved for `patience`
    /// evaluations.
    fn look(&mut self) -> Result<bool> {
        let (Some(held), Some(config)) = (&self.problem.held, &self.config.held_out) else { return Ok(false) };
        let last = self.phase == Phase::Data && self.step == self.config.steps;
        if !(self.step.is_multiple_of(config.look) || last) {
            return Ok(false);
        }
        let score = self.watch.with_average(self.field.parameters(), || {
            let shape = self.problem.grid.shape.map(|n| n as i64);
            Ok(mean(&held.scores_of(&(self.volume()?.view(shape) * self.problem.mu_ref))?))
        })?;
        let step = self.curve.len() as u64;
        if let Some(point) = self.curve.last_mut() {
            point.figures.insert("held_out".to_string(), score);
        }
        self.watch.looked(step, score, self.field.parameters())?;
        Ok(config.patience > 0 && self.watch.since >= config.patience)
    }

    /// Whether `max_seconds` has not passed yet; adds a warning once it has.
    fn time_left(&mut self) -> bool {
        let over = self.step < self.config.steps && self.config.max_seconds.is_some_and(|most| self.seconds() >= most);
        if over {
            let message = format!(
                "the fit ended after {} of {} data steps because max_seconds was reached",
                self.step, self.config.steps
            );
            self.warnings.push(Warning::new("time_over", message + ": another machine will give another result"));
        }
        !over
    }

    /// Takes one optimizer step with the accumulated gradients and adds a point to the curve.
    fn advance(&mut self, loss: f64, rate: f64) -> Result<()> {
        self.optimizer.step(self.field.parameters(), rate)?;
        self.step += 1;
        progress::advance(self.step, &[("loss", loss), ("rate", rate)]);
        let total = self.curve.len() as u64 + 1;
        let phase = match self.phase {
            Phase::Regression => 0.0,
            Phase::Data => 1.0,
            Phase::Refinement => 2.0,
        };
        let figures = BTreeMap::from([("rate".to_string(), rate), ("phase".to_string(), phase)]);
        self.curve.push(CurvePoint { step: total, seconds: self.seconds(), loss, figures });
        Ok(())
    }

    pub(super) fn seconds(&self) -> f64 {
        self.seconds_before + self.begun.elapsed().as_secs_f64()
    }
}
