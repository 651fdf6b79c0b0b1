//! The fit: its steps, the updates of the occupancy grid, and its checkpoints.

use super::Config;
use super::checkpoint::{self, Snapshot};
use super::networks::Networks;
use super::saved::Scene;
use super::step::{self, Target};
use crate::algorithms::{Reconstruction, Run};
use crate::data::{CurvePoint, Pictures, Warning, Warnings};
use crate::error::{Error, Result};
use crate::optimizers::Optimizer;
use crate::progress;
use crate::renderers::emission_absorption::{Marcher, Occupancy};
use crate::tensors::{from_slice, to_vec};
use std::collections::BTreeMap;
use std::time::Instant;
use tch::Device;

/// Number of points of the convergence curve.
const POINTS: u64 = 100;
/// Number of points evaluated at once in an update of the occupancy grid.
const QUESTIONS: usize = 1 << 15;

/// A fit under way.
pub(super) struct Fit<'a> {
    config: &'a Config,
    data: &'a Pictures,
    march: Marcher<'a>,
    networks: Networks,
    optimizer: Box<dyn Optimizer>,
    matter: Occupancy,
    identity: String,
    /// Whether all pictures are fully opaque, so that the background is part of them.
    opaque: bool,
    seed: u64,
    device: Device,
    /// Steps done.
    step: u64,
    /// Sum and number of the losses since the last point of the curve.
    recent: (f64, u64),
    curve: Vec<CurvePoint>,
    begun: Instant,
    seconds_before: f64,
    saved: Instant,
    warnings: Warnings,
}

impl<'a> Fit<'a> {
    pub(super) fn new(config: &'a Config, data: &'a Pictures, run: &Run<'_>) -> Result<Self> {
        let networks = Networks::new(config, run.seed, run.device)?;
        let optimizer = config.optimizer.kind.as_part().build(networks.parameters());
        Ok(Self {
            march: Marcher::new(&data.grid, config.samples),
            networks,
            optimizer,
            matter: Occupancy::new(config.cells.max(1)),
            identity: checkpoint::identity(config, data, run)?,
            opaque: data.training.iter().all(|shot| shot.picture.is_opaque()),
            seed: run.seed,
            device: run.device,
            step: 0,
            recent: (0.0, 0),
            curve: Vec::new(),
            begun: Instant::now(),
            seconds_before: 0.0,
            saved: Instant::now(),
            warnings: Warnings::new(),
            config,
            data,
        })
    }

    pub(super) fn run(mut self, run: &mut Run<'_>) -> Result<Reconstruction> {
        run.checkpoints.load(&mut |bytes| self.restore(&Snapshot::decode(bytes, &self.identity)?))?;
        let task = progress::begin("fit", Some(self.config.steps));
        while self.step < self.config.steps {
            if !self.advance()? {
                break;
            }
            self.pause(run)?;
        }
        task.end();
        // Save the final weights, which are a result too.
        run.checkpoints.save(&self.snapshot()?)?;
        self.finish(run)
    }

    /// Takes one step; returns false if the fit diverged.
    fn advance(&mut self) -> Result<bool> {
        if self.config.cells > 0 && self.step > 0 && self.step.is_multiple_of(self.config.refresh) {
            self.look_for_matter()?;
        }
        let targets = step::draw(self.data, self.opaque, self.config, self.seed, self.step);
        let mut loss = 0.0;
        for chunk in targets.chunks(self.config.chunk) {
            loss += self.chunk(chunk)?;
        }
        if !loss.is_finite() {
            let message = format!("the fit diverged at step {}: lower the optimizer's rate", self.step + 1);
            self.warnings.push(Warning::new("diverged", message));
            return Ok(false);
        }
        let rate =
            self.config.optimizer.kind.as_part().rate() * self.config.schedule.factor(self.step, self.config.steps);
        self.optimizer.step(self.networks.parameters(), rate)?;
        self.step += 1;
        self.note(loss, rate);
        Ok(true)
    }

    fn chunk(&self, targets: &[Target]) -> Result<f64> {
        step::accumulate(&self.networks, &self.march, &self.matter, targets, (self.config.rays, self.device))
    }

    /// Updates the occupancy grid with the field's density at a random point of every cell.
    fn look_for_matter(&mut self) -> Result<()> {
        let points = self.matter.questions(self.seed, self.step);
        let mut found = Vec::with_capacity(points.len() / 3);
        for part in points.chunks(3 * QUESTIONS) {
            let raw = self.networks.last().density(&from_slice(part, &[part.len() / 3, 3], self.device)?)?;
            found.extend(to_vec(&raw.clamp_max(super::saved::DENSEST).exp())?);
        }
        self.matter.update(&found, self.march.step());
        Ok(())
    }

    fn note(&mut self, loss: f64, rate: f64) {
        self.recent = (self.recent.0 + loss, self.recent.1 + 1);
        let mean = self.recent.0 / self.recent.1 as f64;
        progress::advance(self.step, &[("loss", mean), ("rate", rate)]);
        if self.step.is_multiple_of((self.config.steps / POINTS).max(1)) || self.step == self.config.steps {
            let figures = BTreeMap::from([
                ("rate".to_string(), rate),
                ("psnr_db".to_string(), -10.0 * mean.max(1e-12).log10()),
                ("occupied".to_string(), self.matter.share()),
            ]);
            self.curve.push(CurvePoint { step: self.step, seconds: self.seconds(), loss: mean, figures });
            self.recent = (0.0, 0);
        }
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.begun.elapsed().as_secs_f64()
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
        let snapshot = Snapshot {
            step: self.step,
            seconds: self.seconds(),
            recent: self.recent,
            curve: self.curve.clone(),
            opaque: self.opaque,
            matter: self.matter.density().to_vec(),
            tensors: checkpoint::tensors(self.networks.parameters(), self.optimizer.as_ref())?,
        };
        snapshot.encode(self.config, &self.data.grid, &self.identity)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        snapshot.restore(self.networks.parameters(), Some(self.optimizer.as_mut()))?;
        self.matter = snapshot.matter(self.config, self.march.step())?;
        (self.step, self.seconds_before) = (snapshot.step, snapshot.seconds);
        (self.recent, self.curve) = (snapshot.recent, snapshot.curve.clone());
        Ok(())
    }

    fn finish(self, run: &Run<'_>) -> Result<Reconstruction> {
        let seconds = self.seconds();
        let scene = Scene {
            config: self.config,
            networks: &self.networks,
            grid: &self.data.grid,
            matter: &self.matter,
            opaque: self.opaque,
            device: self.device,
        };
        let cameras: Vec<_> = self.data.held_out.iter().map(|shot| &shot.camera).collect();
        let views = scene.views(&cameras, run.stop)?;
        let notes = BTreeMap::from([
            (
                "parameters".to_string(),
                self.networks.parameters().iter().map(|p| p.value.numel()).sum::<usize>().into(),
            ),
            ("training_views".to_string(), self.data.training.len().into()),
            ("occupied".to_string(), self.matter.share().into()),
            ("steps_per_second".to_string(), (self.step as f64 / seconds.max(1e-9)).into()),
        ]);
        let volume = scene.volume(&self.data.grid, run.stop)?;
        Ok(Reconstruction { views, curve: self.curve, notes, warnings: self.warnings, ..Reconstruction::plain(volume) })
    }
}
