//! MLTR: maximum likelihood for transmission, photons ~ Poisson(I₀ e^{−A x}).
//!
//! x ← P(x + Aₛᵀ(e^{−Ax} − e^{−y}) / Aₛᵀ(l e^{−Ax})), with l = A1 the ray lengths, for each subset s; I₀ cancels. J.
//! Nuyts et al., Phys. Med. Biol. 43, 1998, from K. Lange, J. A. Fessler, IEEE Trans. Image Process. 4, 1995. Rays with
//! few photons get little weight, and there is no bias from a logarithm of noisy counts: suited to low dose and metal.
//! Converges slowly where almost no photons pass.

use super::iterative::subsets::{Subset, Subsets};
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, Order, vectors};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup, Takes};
use crate::error::Result;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Maximum likelihood for transmission data (MLTR).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of iterations, each over all views.
    pub iterations: u64,
    /// Number of views in a subset; 0 takes all views.
    pub subset_views: usize,
    /// Order in which the subsets are visited.
    pub ordering: Order,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            iterations: 30,
            subset_views: 8,
            ordering: Order::Multilevel,
            nonnegative: true,
            mask: Mask::None,
            tolerance: 0.0,
        }
    }
}

/// Measured transmission and ray lengths of the views of a subset.
struct Photons {
    /// Measured transmission e^{−y}.
    measured: Tensor,
    /// Ray length times mu_ref, l mu_ref (unitless).
    lengths: Tensor,
}

impl Photons {
    fn new(system: &LinearSystem<'_>, part: &Subset, support: &Tensor) -> Result<Self> {
        let measured = || part.data.f_mul_scalar(-system.mu_ref)?.f_clamp_max_(CLEAREST)?.f_exp_();
        let lengths = part.operator.forward(support)?.f_mul_scalar_(system.mu_ref).map_err(torch_error)?;
        Ok(Self { measured: measured().map_err(torch_error)?, lengths })
    }

    /// From `projected` (A x) computes e^{−Ax} − e^{−y}, l e^{−Ax}, the negative log-likelihood per incident photon up
    /// to a constant, Σ e^{−Ax} − e^{−y} + e^{−y} (Ax − y), and ‖Ax − y‖².
    fn compare(
        &self,
        projected: Tensor,
        data: &Tensor,
        mu_ref: f64,
    ) -> std::result::Result<(Tensor, Tensor, f64, f64), TchError> {
        let mut projected = projected;
        let mut passing = projected.f_mul_scalar(-mu_ref)?.f_clamp_max_(CLEAREST)?.f_exp_()?;
        let excess = passing.f_sub(&self.measured)?;
        let residual = projected.f_sub_(data)?;
        let linear = mu_ref * vectors::dot(&self.measured, &residual)?;
        let loss = excess.f_sum(Kind::Double)?.double_value(&[]) + linear;
        let squares = vectors::dot(&residual, &residual)?;
        Ok((excess, passing.f_mul_(&self.lengths)?, loss, squares))
    }
}

/// Upper limit of −Ax and −y; it bounds the exponential where noise makes the transmission exceed 1.
const CLEAREST: f64 = 10.0;

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "ml_tr", iterations, tolerance, nonnegative, mask }
    }

    fn iterate(&self, system: &LinearSystem<'_>, record: &mut ConvergenceRecord<'_>) -> Result<Tensor> {
        let subsets = Subsets::new(system, self.subset_views, self.ordering)?;
        let support = system.support()?;
        let photons =
            subsets.subsets.iter().map(|part| Photons::new(system, part, &support)).collect::<Result<Vec<_>>>()?;
        let mut x = system.start_or(0.0)?;
        for iteration in 1.. {
            let (mut loss, mut squares) = (0.0, 0.0);
            for number in subsets.order(iteration) {
                let part = &subsets.subsets[number];
                let compared = photons[number].compare(part.operator.forward(&x)?, &part.data, system.mu_ref);
                let (excess, curvature, own_loss, own_squares) = compared.map_err(torch_error)?;
                (loss, squares) = (loss + own_loss, squares + own_squares);
                let (mut ascent, curvature) = (part.operator.adjoint(&excess)?, part.operator.adjoint(&curvature)?);
                let update = || -> std::result::Result<(), TchError> {
                    let _ = x.f_add_(&ascent.f_mul_(&vectors::inverted(curvature)?)?)?;
                    system.constrain(&mut x)
                };
                update().map_err(torch_error)?;
            }
            if record.step(iteration, loss, squares.sqrt())? {
                break;
            }
        }
        Ok(x)
    }
}

impl Algorithm for Config {
    /// X-rays only: the model is of photons counted behind an attenuating object.
    fn takes(&self) -> Takes {
        Takes::Xrays
    }

    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        self.common().check()
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.common().estimate(setup, 3.0, 7, 5)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.common().solve(problem, run, |system, record| self.iterate(system, record))
    }
}
