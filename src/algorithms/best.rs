//! The recommended method: total variation, with the discretisation, the noise weighting and the penalty weight that
//! best predict views left out of the reconstruction.
//!
//! It needs only the projections. Each candidate is a `tv` with `weight: auto`: on the voxels of the output grid, on
//! finer voxels ([`Discretisation`]), and, if the noise is given, on the finest voxels with each ray weighted by its
//! inverse variance. The score of a candidate is the prediction error of the left-out views at its best weight
//! ([`weight::held_out`](super::weight::held_out)); all candidates leave out the same views. The candidate with the
//! lowest score reconstructs from all views. The notes of the result list all candidates and the chosen one.

use super::statistics::Statistics;
use super::weight::{Auto, Weight};
use super::{Algorithm, Discretisation, Estimate, Problem, Reconstruction, Run, Setup, Takes, tv};
use crate::error::{Error, Result};
use crate::progress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The recommended method: total variation, configured by the prediction of left-out views.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Noise model of the data: if given, weighting each ray by the inverse of its variance is tried as well; `null`
    /// does not try it.
    pub noise: Option<Statistics>,
    /// Finest discretisation that is tried, 1 to 4: voxels this many times finer than those of the output grid along
    /// each axis, and this many rays along each axis of a detector pixel.
    #[schemars(range(min = 1, max = 4))]
    pub finest: usize,
    /// How the weight is chosen: the keys of `weight: {auto: …}`, where `by` must be `held-out`.
    pub auto: Auto,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { noise: None, finest: 2, auto: Auto::default(), nonnegative: true }
    }
}

/// Maximum number of penalty weights that are tried with noise weighting.
const WEIGHTED: usize = 3;
/// Factor between the weight found without noise weighting and the one at which the search with it begins; it goes down
/// from there, because a smooth volume is the better start.
const ABOVE: f64 = 4.0;

/// A total-variation method among which the choice is made.
struct Candidate {
    discretisation: Discretisation,
    tv: tv::Config,
}

/// A candidate with its chosen penalty weight and the score at that weight; lower is better.
struct Judged {
    candidate: Candidate,
    weight: f64,
    score: f64,
}

impl Config {
    /// The candidate on the grid `lattice` times finer, whose weight search starts from `first` and takes at most
    /// `near` trials (`None`: a full search).
    fn candidate(&self, lattice: usize, noise: Option<Statistics>, first: f64, near: Option<usize>) -> Candidate {
        let weight = Weight::Auto(Auto { first, near, ..self.auto.clone() });
        Candidate {
            discretisation: Discretisation { lattice, sub_rays: Some(lattice) },
            tv: tv::Config { weight, noise, nonnegative: self.nonnegative, ..tv::Config::on_lattice(lattice) },
        }
    }

    /// All candidates with their scores, from the cheapest to the most expensive. The first search covers the whole
    /// range of weights. Each later one goes down from the weight found before: on a finer grid the discretisation
    /// error is a smaller part of the residual, so the best weight is smaller.
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
    /// X-rays only, because finer discretisations are built from the rays of the scan.
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

    /// No: it chooses the discretisation itself.
    fn iterative(&self) -> bool {
        false
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let of = |candidate: Candidate| {
            let Discretisation { lattice, .. } = candidate.discretisation;
            let cost = candidate.discretisation.estimate(&candidate.tv, setup);
            // The averaged volume and the fine volume are held at the same time.
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
        let Some(best) = best else { return Err(Error::config("", "no candidate was evaluated")) };
        let mut made = best.reconstruct(problem, run)?;
        made.notes.insert("took".into(), best.note());
        made.notes.insert("candidates".into(), judged.iter().map(Judged::note).collect());
        Ok(made)
    }
}
