//! The recommended method: total variation, with the model of the scan, the noise weights and the weight of the penalty
//! that predict views left out of the reconstruction best.
//!
//! Nothing is asked but the projections. Each candidate is a `tv` with `weight: auto`: on the picture's own voxels, on
//! finer ones ([`Discretisation`]), and there with rays counting by their noise, if the noise is given. The score of a
//! candidate is that of its weight: the prediction of left-out views ([`weight::held_out`](super::weight::held_out)),
//! the same views for all. The candidate with the lowest score reconstructs from all views. What was tried and what was
//! taken stands in the notes.

use super::statistics::Statistics;
use super::weight::{Auto, Weight};
use super::{Algorithm, Discretisation, Estimate, Problem, Reconstruction, Run, Setup, Takes, tv};
use crate::error::{Error, Result};
use crate::progress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The recommended method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The noise of the data: rays that count by the inverse of their variance are tried as well. `null`: not tried.
    pub noise: Option<Statistics>,
    /// Finest model of the scan that is tried: voxels so many times finer than the picture's, and as many rays per
    /// pixel along each axis.
    #[schemars(range(min = 1, max = 4))]
    pub finest: usize,
    /// How the weight is chosen: the keys of `weight: {auto: …}`, by views left out.
    pub auto: Auto,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { noise: None, finest: 2, auto: Auto::default(), nonnegative: true }
    }
}

/// Most weights that are tried with noise weights.
const WEIGHTED: usize = 3;
/// A search with noise weights begins so many times above the weight without them: a smooth volume is the better start.
const ABOVE: f64 = 4.0;

/// A total variation that may be taken.
struct Candidate {
    discretisation: Discretisation,
    tv: tv::Config,
}

/// A candidate with its weight and its score.
struct Judged {
    candidate: Candidate,
    weight: f64,
    score: f64,
}

impl Config {
    /// A total variation whose weight is searched for from `first`, by at most `near` trials.
    fn candidate(&self, lattice: usize, noise: Option<Statistics>, first: f64, near: Option<usize>) -> Candidate {
        let weight = Weight::Auto(Auto { first, near, ..self.auto.clone() });
        Candidate {
            discretisation: Discretisation { lattice, sub_rays: Some(lattice) },
            tv: tv::Config { weight, noise, nonnegative: self.nonnegative, ..tv::Config::on_lattice(lattice) },
        }
    }

    /// Every candidate with its score, from the cheapest to the dearest. The first search goes anywhere, the next one
    /// goes down from the weight that it found: less of the residual is the model's on a finer lattice, and so the
    /// penalty's weight is smaller there.
    fn judged(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Vec<Judged>> {
        let mut judged = vec![self.candidate(1, None, self.auto.first, None).judge(problem, run)?];
        let mut first = judged[0].weight;
        for lattice in 2..=self.finest {
            let found = self.candidate(lattice, None, first, Some(tv::NEAR)).judge(problem, run)?;
            first = found.weight;
            judged.push(found);
        }
        if self.noise.is_some() {
            judged.push(self.candidate(self.finest, self.noise, ABOVE * first, Some(WEIGHTED)).judge(problem, run)?);
        }
        Ok(judged)
    }
}

impl Candidate {
    fn name(&self) -> String {
        let weights = if self.tv.noise.is_some() { ", noise weights" } else { "" };
        format!("tv, lattice {}{weights}", self.discretisation.lattice)
    }

    fn judge(self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Judged> {
        let name = self.name();
        let _span = tracing::info_span!(target: progress::PART, "candidate", label = name.as_str()).entered();
        let choice = self.tv.choose_weight(&self.discretisation.problem(problem)?, &run.trial(None))?;
        let score = choice.tried.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
        Ok(Judged { candidate: self, weight: choice.weight, score })
    }
}

impl Judged {
    fn note(&self) -> serde_json::Value {
        json!({
            "lattice": self.candidate.discretisation.lattice,
            "noise_weights": self.candidate.tv.noise.is_some(),
            "weight": self.weight,
            "score": self.score,
        })
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        let tv = tv::Config { weight: self.weight.into(), ..self.candidate.tv.clone() };
        self.candidate.discretisation.reconstruct(&tv, problem, run)
    }
}

impl Algorithm for Config {
    /// Finer models of the scan are made from its rays.
    fn takes(&self) -> Takes {
        Takes::Xrays
    }

    fn check(&self, setup: &Setup<'_>) -> Result<()> {
        if self.auto.by != super::weight::By::HeldOut {
            let problem = "expected held-out: candidates are compared by the views that they predict";
            return Err(Error::config("auto.by", problem));
        }
        let finest = self.candidate(self.finest, self.noise, self.auto.first, None);
        finest
            .discretisation
            .check()
            .map_err(|_| Error::config("finest", format!("expected 1 to 4 times finer, got {}", self.finest)))?;
        finest.discretisation.grid(setup.grid)?;
        Weight::Auto(self.auto.clone()).check(setup)?;
        self.noise.map_or(Ok(()), |noise| noise.check(setup).map_err(|error| error.under("noise")))
    }

    /// It chooses its own model of the scan.
    fn iterative(&self) -> bool {
        false
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let of = |candidate: Candidate| {
            let Discretisation { lattice, .. } = candidate.discretisation;
            let cost = candidate.discretisation.estimate(&candidate.tv, setup);
            // What the averaged volume and its fine original hold at once.
            Estimate { memory_bytes: cost.memory_bytes + 4 * (lattice.pow(3) * setup.grid.voxels()) as u64, ..cost }
        };
        let near = |lattice: usize| (lattice > 1).then_some(tv::NEAR);
        let plain = (1..=self.finest).map(|lattice| self.candidate(lattice, None, self.auto.first, near(lattice)));
        let weighted =
            self.noise.map(|noise| self.candidate(self.finest, Some(noise), self.auto.first, Some(WEIGHTED)));
        plain.chain(weighted).map(of).fold(Estimate::default(), |sum, cost| Estimate {
            operations: sum.operations + cost.operations,
            memory_bytes: sum.memory_bytes.max(cost.memory_bytes),
        })
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let judged = self.judged(problem, run)?;
        let best = judged.iter().reduce(|best, other| if other.score < best.score { other } else { best });
        let Some(best) = best else { return Err(Error::config("", "expected a candidate, there is none")) };
        let mut made = best.reconstruct(problem, run)?;
        made.notes.insert("took".into(), best.note());
        made.notes.insert("candidates".into(), judged.iter().map(Judged::note).collect());
        Ok(made)
    }
}
