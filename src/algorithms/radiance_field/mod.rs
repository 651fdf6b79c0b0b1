//! A radiance field fitted to pictures by differentiable emission and absorption: NeRF (Mildenhall et al., ECCV 2020)
//! in the form of instant-ngp (Müller et al., ACM TOG 41(4), 2022).
//!
//! min over weights of the mean squared difference between the pixels of the pictures and C + (1 − A) b, where C and A
//! are colour and opacity along the pixel's ray (see [`crate::renderers::emission_absorption`]) and b the background: a
//! random colour for each ray where the pictures have opacity, so that it is learned too, else a given one. Each step
//! takes pixels at random from all training pictures. A coarse occupancy grid, updated every few steps, saves the
//! samples in empty space.
//!
//! It takes pictures (`simulate: {cameras, appearance}`, `acquire: {images}`), not projections, and renders the object
//! from new viewpoints. See docs/neural-rendering.md.

mod checkpoint;
mod fit;
mod networks;
mod saved;
mod step;

pub use networks::Fine;
pub use saved::Fitted;

use super::{Algorithm, Estimate, Measured, Problem, Reconstruction, Run, Setup, Takes};
use crate::error::{Error, Result};
use crate::fields::radiance;
use crate::optimizers::{OptimizerKind, Schedule, adam};
use crate::registry::{Kinds, OneOf};
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A radiance field and the settings of its fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The network that represents density and colour.
    pub field: radiance::Config,
    /// Optimizer of the network's weights.
    pub optimizer: OneOf<OptimizerKind>,
    /// How the learning rate decreases over the steps.
    pub schedule: Schedule,
    /// Number of steps.
    pub steps: u64,
    /// Number of random rays (pixels) per step.
    pub rays: usize,
    /// Number of samples along the diagonal of the object's box, which sets the distance between samples on a ray.
    pub samples: usize,
    /// Second network, of the same kind as `field`, as in the original NeRF: it is evaluated at the samples of the
    /// first one and at further samples where that one finds matter, and renders the pictures; `null` for none.
    pub fine: Option<Fine>,
    /// Number of cells along each axis of the occupancy grid; samples in empty cells are skipped. 0 takes every sample.
    pub cells: usize,
    /// Number of steps between two updates of the occupancy grid.
    pub refresh: u64,
    /// Background colour of pictures without opacity: red, green, blue, each 0 to 1.
    pub background: [f32; 3],
    /// Number of rays computed at once, which bounds the memory.
    pub chunk: usize,
    /// Seconds between checkpoints; does not affect the result.
    pub checkpoint_seconds: f64,
}

impl Default for Config {
    fn default() -> Self {
        let adam = adam::Config { rate: 1e-2, epsilon: 1e-15, ..adam::Config::default() };
        Self {
            field: radiance::Config::default(),
            optimizer: OptimizerKind::Adam(adam).into(),
            schedule: Schedule::Cosine,
            steps: 2000,
            rays: 1024,
            samples: 128,
            fine: None,
            cells: 48,
            refresh: 32,
            background: [1.0; 3],
            chunk: 256,
            checkpoint_seconds: 20.0,
        }
    }
}

impl Config {
    fn check_numbers(&self) -> Result<()> {
        self.field.check().map_err(|error| error.under("field"))?;
        let optimizer = &self.optimizer.kind;
        optimizer.named(optimizer.as_part().check()).map_err(|error| error.under("optimizer"))?;
        let counts = [
            ("steps", self.steps as usize, 1, 10_000_000),
            ("rays", self.rays, 1, 1 << 20),
            ("samples", self.samples, 2, 4096),
            ("cells", self.cells, 0, 256),
            ("refresh", self.refresh as usize, 1, 1_000_000),
            ("chunk", self.chunk, 1, 1 << 20),
        ];
        for (key, value, least, most) in counts {
            require::within(key, value, least..=most)?;
        }
        self.fine.as_ref().map_or(Ok(()), Fine::check).map_err(|error| error.under("fine"))?;
        if self.background.iter().any(|c| !(0.0..=1.0).contains(c)) {
            let problem = format!("expected three numbers from 0 to 1, got {:?}", self.background);
            return Err(Error::config("background", problem));
        }
        require::not_negative("checkpoint_seconds", self.checkpoint_seconds)
    }
}

impl Algorithm for Config {
    fn takes(&self) -> Takes {
        Takes::Pictures
    }

    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        self.check_numbers()
    }

    fn iterative(&self) -> bool {
        false
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let Measured::Pictures { pixels, held_out, .. } = setup.measured else { return Estimate::default() };
        let cost = self.field.cost();
        let (networks, further) = self.fine.as_ref().map_or((1u32, 0), |fine| (2, fine.samples));
        // About a quarter of the samples lie in occupied cells, and rays cross half of the diagonal or so; rendering
        // needs the forward pass only.
        let first = self.samples as f64 / if self.cells > 0 { 4.0 } else { 2.0 };
        let samples = first * f64::from(networks) + further as f64;
        let fitted = self.steps as f64 * self.rays as f64 * samples;
        let rendered = (held_out * pixels[0] * pixels[1]) as f64 * samples / 3.0;
        let memory =
            cost.bytes * (self.chunk * (self.samples + further)) as u64 + 16 * u64::from(networks) * cost.parameters;
        Estimate { operations: cost.operations * (fitted + rendered), memory_bytes: memory }
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        fit::Fit::new(self, problem.pictures()?, run)?.run(run)
    }
}
