//! Penalised weighted least squares: min ½ Σ wᵢ (A x − y)ᵢ² / ‖A‖² + β Σ ψ(∇x), x ≥ 0, wᵢ = the inverse variance of yᵢ.
//!
//! wᵢ = nᵢ² / ((nᵢ + s²) I₀) with nᵢ = I₀ e^{−yᵢ} photons and electronic noise of standard deviation s, so that w = 1
//! in air without electronic noise. K. Sauer, C. Bouman, IEEE Trans. Signal Process. 41, 1993. Solved by separable
//! quadratic surrogates over ordered subsets (H. Erdoğan, J. A. Fessler, Phys. Med. Biol. 44, 1999) with Nesterov's
//! momentum (D. Kim, S. Ramani, J. A. Fessler, IEEE Trans. Med. Imaging 34, 2015): x⁺ = P(z − D⁻¹ ∇Φ(z)), D =
//! AᵀWA1/‖A‖² + 4βΣsₖ². Suited to low dose and metal, where the noise differs much between rays.

use super::iterative::momentum::Momentum;
use super::iterative::subsets::{Subset, Subsets};
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, Order, vectors};
use super::statistics::Statistics;
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup, Takes};
use crate::error::Result;
use crate::fields::regularizers::total_variation as tv;
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Penalised weighted least squares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of iterations, each over all views.
    pub iterations: u64,
    /// Photons I₀ that one pixel counts in one view without an object in the beam.
    pub photons: f64,
    /// Standard deviation s of the electronic noise, in photons.
    pub electronic_sd: f64,
    /// Weight β of the roughness penalty on x = mu / (2.5 mu_water), for differences over one voxel of the output grid;
    /// 0 is no penalty.
    pub weight: f64,
    /// Penalty function ψ of differences between neighbouring voxels: `huber` or `quadratic`.
    pub penalty: Roughness,
    /// Difference δ of x between neighbouring voxels above which the Huber penalty grows only linearly (0.02 is 50 HU).
    pub delta: f64,
    /// Number of views in a subset; 0 takes all views. Subsets converge faster at first, but end in a limit cycle
    /// around the solution.
    pub subset_views: usize,
    /// Order in which the subsets are visited.
    pub ordering: Order,
    /// Accelerate by Nesterov's momentum.
    pub momentum: bool,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

/// Penalty function ψ of a difference t between neighbouring voxels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Roughness {
    /// ψ = t²/2.
    Quadratic,
    /// ψ = t²/2 up to |t| = δ and δ|t| − δ²/2 beyond, which preserves edges.
    #[default]
    Huber,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            iterations: 50,
            photons: 1e5,
            electronic_sd: 0.0,
            weight: 0.01,
            penalty: Roughness::Huber,
            delta: 0.02,
            subset_views: 0,
            ordering: Order::Multilevel,
            momentum: true,
            nonnegative: true,
            mask: Mask::None,
            tolerance: 0.0,
        }
    }
}

/// Operators, weights and curvature that all iterations reuse.
struct Surrogates<'a> {
    config: &'a Config,
    system: &'a LinearSystem<'a>,
    subsets: Subsets,
    /// W of each subset, `[view, row, column]`.
    weights: Vec<Tensor>,
    /// D⁻¹, 0 outside the support.
    inverse: Tensor,
    norm_squared: f64,
    axes: Vec<(usize, f64)>,
}

impl<'a> Surrogates<'a> {
    fn new(config: &'a Config, system: &'a LinearSystem<'a>) -> Result<Self> {
        let norm_squared = system.norm_squared()?;
        let subsets = Subsets::new(system, config.subset_views, config.ordering)?;
        let axes = tv::axes(system.operator.domain());
        let weights = config.weights(system)?;
        let mut scaled = system.operator.forward(&system.support()?)?;
        let _ = scaled.f_mul_(&weights).map_err(torch_error)?;
        let curvature = config.weight * axes.iter().map(|(_, weight)| 4.0 * weight * weight).sum::<f64>();
        let mut inverse = system.operator.adjoint(&scaled)?;
        let mut invert = || -> std::result::Result<Tensor, TchError> {
            let sum = inverse.f_mul_scalar_(1.0 / norm_squared)?.f_add_scalar_(curvature)?;
            let mut inverse = vectors::inverted(sum)?;
            system.masked(&mut inverse)?;
            Ok(inverse)
        };
        let inverse = invert().map_err(torch_error)?;
        let weights = subsets.subsets.iter().map(|part| part.pick(&weights)).collect::<Result<_>>()?;
        Ok(Self { config, system, subsets, weights, inverse, norm_squared, axes })
    }

    /// The minimiser of the surrogate at z for one subset, and the terms at z: ½ rᵀW r / ‖A‖² and ‖r‖² of the subset,
    /// and the penalty.
    fn step(&self, number: usize, z: &Tensor) -> Result<(Tensor, Terms)> {
        let Subset { operator, data, share, .. } = &self.subsets.subsets[number];
        let mut residual = operator.forward(z)?;
        let weigh = |residual: &mut Tensor| -> std::result::Result<(f64, f64), TchError> {
            let squares = vectors::dot(&residual.f_sub_(data)?, residual)?;
            let weighted = residual.f_mul(&self.weights[number])?;
            let loss = 0.5 * vectors::dot(residual, &weighted)? / self.norm_squared;
            *residual = weighted;
            Ok((loss, squares))
        };
        let (data, squares) = weigh(&mut residual).map_err(torch_error)?;
        let mut slope = operator.adjoint(&residual)?;
        let mut descend = || -> std::result::Result<(Tensor, f64), TchError> {
            let _ = slope.f_mul_scalar_(1.0 / (self.norm_squared * share))?;
            let penalty = self.penalise(z, &mut slope)?;
            let mut next = slope.f_mul_(&self.inverse)?.f_neg_()?.f_add_(z)?;
            self.system.constrain(&mut next)?;
            Ok((next, penalty))
        };
        let (next, penalty) = descend().map_err(torch_error)?;
        Ok((next, Terms { data, squares, penalty }))
    }

    /// Adds β ∇ᵀψ'(∇z) to `slope`; returns β Σ ψ(∇z).
    fn penalise(&self, z: &Tensor, slope: &mut Tensor) -> std::result::Result<f64, TchError> {
        if self.config.weight <= 0.0 || self.axes.is_empty() {
            return Ok(0.0);
        }
        let mut fields = tv::gradient(z, &self.axes)?;
        let mut value = 0.0;
        for field in &mut fields {
            if self.config.penalty == Roughness::Huber {
                // For |t| below and above δ alike, ψ(t) = c t − c²/2 with c = ψ'(t) = t clamped to ±δ.
                let cut = field.f_clamp(-self.config.delta, self.config.delta)?;
                value += vectors::dot(&cut, field)? - 0.5 * vectors::dot(&cut, &cut)?;
                *field = cut;
            } else {
                value += 0.5 * vectors::dot(field, field)?;
            }
        }
        vectors::add_scaled(slope, self.config.weight, &tv::gradient_adjoint(&fields, &self.axes)?)?;
        Ok(self.config.weight * value)
    }
}

/// Terms of the objective.
struct Terms {
    data: f64,
    squares: f64,
    penalty: f64,
}

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "wls", iterations, tolerance, nonnegative, mask }
    }

    /// wᵢ = nᵢ² / ((nᵢ + s²) I₀).
    fn weights(&self, system: &LinearSystem<'_>) -> Result<Tensor> {
        let statistics = Statistics { photons: self.photons, electronic_sd: self.electronic_sd, model_sd: 0.0 };
        statistics.weights(&system.data.f_mul_scalar(system.mu_ref).map_err(torch_error)?)
    }

    fn iterate(&self, system: &LinearSystem<'_>, record: &mut ConvergenceRecord<'_>) -> Result<Tensor> {
        let surrogates = Surrogates::new(self, system)?;
        let count = surrogates.subsets.subsets.len();
        let mut ahead = system.start_or(0.0)?;
        let mut momentum = Momentum::new(vectors::copied(&ahead).map_err(torch_error)?, count == 1);
        for iteration in 1.. {
            let (mut data, mut squares, mut penalty) = (0.0, 0.0, 0.0);
            for number in surrogates.subsets.order(iteration) {
                let (next, terms) = surrogates.step(number, &ahead)?;
                (data, squares, penalty) =
                    (data + terms.data, squares + terms.squares, penalty + terms.penalty / count as f64);
                if self.momentum {
                    let _ = momentum.advance(next, &mut ahead).map_err(torch_error)?;
                } else {
                    ahead = next;
                }
            }
            if record.step(iteration, data + penalty, squares.sqrt())? {
                break;
            }
        }
        Ok(if self.momentum { momentum.x } else { ahead })
    }
}

impl Algorithm for Config {
    /// X-rays only: the model is of photons counted behind an attenuating object.
    fn takes(&self) -> Takes {
        Takes::Xrays
    }

    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        let common = self.common();
        common.check()?;
        require::positive("photons", self.photons)?;
        require::not_negative("electronic_sd", self.electronic_sd)?;
        require::not_negative("weight", self.weight)?;
        require::positive("delta", self.delta)
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.common().estimate(setup, 2.0, 6, 13)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let finer = problem.lattice as f64;
        let scaled = Self { weight: self.weight * finer * finer, delta: self.delta / finer, ..self.clone() };
        self.common().solve(problem, run, |system, record| scaled.iterate(system, record))
    }
}
