//! Total variation, refined by a small network that was trained on other scans: the result is x + δ, where the
//! correction δ is made consistent with the data.
//!
//! 1. x is the total variation volume, with a weight chosen by left-out views and a finer discretisation of the scan.
//! 2. A U-Net without biases takes x and the filtered backprojection of y − A x, slice by slice, and returns a
//!    correction ([`Network`]).
//! 3. Conjugate gradients make the correction consistent with the data ([`Consistency`]).
//!
//! A learned prior adds structure that is likely, not only what was measured. Therefore the method is used only if it
//! is named explicitly; the result comes with the total variation volume (`start`) and the change that was made
//! (`difference`); scans unlike those of the training give a warning ([`traits`]) or are refused (`strict`); and
//! left-out views test whether the refinement makes the prediction worse. They cannot prove that it invents nothing.
//! docs/refinement.md shows both.

mod consistency;
mod network;
mod pair;
mod prior;
mod start;
mod trainer;
pub mod traits;
mod variation;

pub use consistency::Consistency;
pub use network::Network;
pub use pair::Pair;
pub use prior::{Card, FORMAT, LONGEST, Prior, Provenance};
pub use start::{Start, noise_weight};
pub use trainer::{Settings, Trainer};

use super::statistics::Statistics;
use super::weight::{Auto, Weight};
use super::{Algorithm, Discretisation, Estimate, Problem, Reconstruction, Run, Setup, Takes};
use crate::data::{Quantity, Volume, Warning, Warnings};
use crate::error::{Error, Result};
use crate::input_path::InputPath;
use crate::tensors::to_vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// Weights included in the program, trained on 2-D slices; a 3-D volume gives a warning.
const SHIPPED: &[u8] = include_bytes!("../../../priors/ct-2d.safetensors");
/// One view in this many is left out to test whether the network makes the result worse.
const EVERY: usize = 4;
/// Smallest number of viewing directions with which that test is done.
const FEWEST: usize = 8;
/// Squared misfit of the left-out views, relative to that of total variation, above which a warning is given.
const HARM: f64 = 1.05;

/// Total variation, refined by a trained network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// File of network weights written by `recon train-prior`; `null` takes the included ones, which were trained on
    /// 2-D slices.
    pub prior: Option<InputPath>,
    /// Weight of the total variation: a number as for `tv`, or `auto` to choose it from the projections.
    pub weight: Weight,
    /// Noise model of the data: the total variation then weights each ray by the inverse of its variance. `null`
    /// weights all rays equally.
    pub noise: Option<Statistics>,
    /// Refinement of the reconstruction grid and of the detector sampling for the total variation.
    pub discretisation: Discretisation,
    /// Keep the attenuation non-negative.
    pub nonnegative: bool,
    /// Number of conjugate-gradient steps that make the correction consistent with the data.
    pub consistency_steps: u64,
    /// Test with left-out views whether the network makes the prediction worse; this takes one more total variation
    /// reconstruction.
    pub held_out: bool,
    /// Refuse a scan unlike those of the training, instead of giving a warning.
    pub strict: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            prior: None,
            weight: Weight::Auto(Auto::default()),
            noise: None,
            discretisation: Discretisation { lattice: 2, sub_rays: Some(2) },
            nonnegative: true,
            consistency_steps: 10,
            held_out: true,
            strict: false,
        }
    }
}

impl Config {
    fn load(&self, run: &Run<'_>) -> Result<Prior> {
        let bytes = match (&self.prior, run.weights) {
            (None, _) => SHIPPED,
            (Some(_), Some(bytes)) => bytes,
            (Some(path), None) => {
                let problem = format!("{} was not read: the caller hands it over as `weights`", path.display());
                return Err(Error::config("prior", problem));
            }
        };
        Prior::read(bytes, run.device).map_err(|error| match (&self.prior, error) {
            (Some(path), Error::Input { problem, hint, .. }) => {
                Error::Input { place: path.to_path_buf(), problem, hint }
            }
            (_, other) => other,
        })
    }

    /// Warnings for properties of the scan outside the range of the training; an error with `strict`.
    fn doubts(&self, prior: &Prior, problem: &Problem<'_>, start: &Volume) -> Result<Warnings> {
        let traits = traits::of(problem.projections()?, start, problem.mu_water);
        let mut doubts = prior.card.ranges.beyond(&traits);
        let dimensions = if start.grid.is_2d() { 2 } else { 3 };
        if dimensions != prior.card.dimensions {
            let message = format!(
                "tv_refined: the network `{}` was trained on starts in {} dimensions, this grid has {dimensions}",
                prior.card.name, prior.card.dimensions
            );
            doubts.push(Warning::new("beyond_prior_dimensions", message));
        }
        match doubts.first() {
            Some(first) if self.strict => {
                let more = if doubts.len() > 1 { format!(" (and {} more)", doubts.len() - 1) } else { String::new() };
                Err(Error::config("strict", format!("{}{more}", first.message))
                    .hint("use `tv` or `best`, or set strict: false to get the result with a warning"))
            }
            _ => Ok(doubts),
        }
    }

    /// Ratio of ‖left-out data − prediction‖² of the refinement to that of total variation, both reconstructed from the
    /// other views; `None` if it is not tested.
    fn harm(&self, prior: &Prior, weight: f64, problem: &Problem<'_>, run: &Run<'_>) -> Result<Option<f64>> {
        if !self.held_out || problem.setup().directions() < FEWEST {
            return Ok(None);
        }
        let [seen, unseen] = problem.split(EVERY, 0)?;
        let volume = self.variation(weight.into()).reconstruct(&seen, run)?.volume;
        let start = |part: &Problem<'_>| Start::new(part, &volume, &self.discretisation, run.device);
        let (from, to) = (start(&seen)?, start(&unseen)?);
        let [refined, variation] = from.misfits(&from.refined(prior, self.rule(prior), self.nonnegative)?, &to)?;
        Ok((variation > 0.0).then(|| refined / variation))
    }

    fn rule(&self, prior: &Prior) -> Consistency {
        Consistency { factor: prior.card.consistency, steps: self.consistency_steps }
    }

    fn variation(&self, weight: Weight) -> variation::Variation {
        variation::Variation {
            weight,
            noise: self.noise,
            discretisation: self.discretisation,
            nonnegative: self.nonnegative,
        }
    }
}

/// A sentence for the report: the network, its training volumes, and the size of the change (root mean square and
/// largest, HU).
fn sentence(card: &Card, change_hu: [f64; 2]) -> String {
    let from: Vec<&str> = card.trained_on.iter().map(|volume| volume.name.as_str()).collect();
    format!(
        "A learned prior was used: the network `{}`, trained on {}. It changed the total variation volume by {:.1} HU \
         (root mean square), at most by {:.0} HU; what it added is likely, not measured.",
        card.name,
        from.join(", "),
        change_hu[0],
        change_hu[1]
    )
}

impl Algorithm for Config {
    fn takes(&self) -> Takes {
        Takes::Xrays
    }

    fn check(&self, setup: &Setup<'_>) -> Result<()> {
        self.discretisation.check()?;
        self.discretisation.grid(setup.grid)?;
        if let Some(path) = self.prior.as_ref().filter(|path| !path.is_file()) {
            let problem = format!("expected a file of weights, {} is not there", crate::progress::place(path));
            return Err(Error::config("prior", problem).hint("leave it out for the weights of the program"));
        }
        self.variation(self.weight.clone()).check(setup)
    }

    /// No: it computes its own initial volume.
    fn iterative(&self) -> bool {
        false
    }

    fn weights_file(&self) -> Option<&Path> {
        self.prior.as_deref()
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let variation = self.variation(self.weight.clone()).estimate(setup);
        let operations = variation.operations * if self.held_out { 1.3 } else { 1.0 };
        // The network needs about 2e4 operations per voxel.
        Estimate { operations: operations + 2e4 * setup.grid.voxels() as f64, ..variation }
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let (prior, begun, grid) = (self.load(run)?, Instant::now(), &problem.grid);
        let made = self.variation(self.weight.clone()).reconstruct(problem, run)?;
        let seconds = begun.elapsed().as_secs_f64();
        let start = Start::new(problem, &made.volume, &self.discretisation, run.device)?;
        let variation = made.volume.resampled(grid)?;
        let mut warnings = made.warnings;
        warnings.extend(self.doubts(&prior, problem, &variation)?);
        let refined = start.refined(&prior, self.rule(&prior), self.nonnegative)?;
        let volume = Volume::from_vec(grid.clone(), Quantity::Attenuation, to_vec(&(refined * problem.unit()))?)?;
        let changes = volume.as_slice().iter().zip(variation.as_slice()).map(|(a, b)| a - b).collect();
        let difference = Volume::from_vec(grid.clone(), Quantity::Attenuation, changes)?;
        let mut notes = made.notes;
        let weight = notes.get("weight").and_then(Value::as_f64);
        let weight = if let Weight::Fixed(weight) = self.weight { Some(weight) } else { weight };
        notes.insert("start".into(), json!({"algorithm": "tv", "seconds": seconds}));
        notes.insert("learned".into(), learned(&prior.card, change(&difference, problem.mu_water)));
        if let Some(ratio) = weight.map(|weight| self.harm(&prior, weight, problem, run)).transpose()?.flatten() {
            notes.insert("held_out_ratio".into(), json!(ratio));
            warnings.extend(harmful(ratio));
        }
        Ok(Reconstruction {
            volume,
            curve: made.curve,
            notes,
            start: Some(variation),
            uncertainty: None,
            difference: Some(difference),
            views: Vec::new(),
            warnings,
        })
    }
}

/// Note for the report: the network, its training volumes, and the size of the change (root mean square and largest,
/// HU).
fn learned(card: &Card, change_hu: [f64; 2]) -> Value {
    json!({
        "prior": card.name,
        "sentence": sentence(card, change_hu),
        "trained_on": card.trained_on,
        "change_rms_hu": change_hu[0],
        "change_largest_hu": change_hu[1],
    })
}

/// A warning if the refinement predicts left-out views worse than its start.
fn harmful(ratio: f64) -> Option<Warning> {
    let message = format!(
        "tv_refined: from {} of {EVERY} views the refinement predicts the others worse than total variation, by {:.0} \
         % in squares: take the total variation beside it",
        EVERY - 1,
        100.0 * (ratio - 1.0)
    );
    (ratio > HARM).then(|| Warning::new("refinement_harms", message))
}

/// Root mean square and largest absolute value of a difference of attenuations (1/mm), converted to HU.
fn change(difference: &Volume, mu_water: f64) -> [f64; 2] {
    let hu = |mu: f32| f64::from(mu) / mu_water * 1000.0;
    let values = difference.as_slice();
    let square = values.iter().map(|&mu| hu(mu).powi(2)).sum::<f64>() / values.len() as f64;
    [square.sqrt(), values.iter().map(|&mu| hu(mu).abs()).fold(0.0, f64::max)]
}
