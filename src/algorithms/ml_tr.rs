//! MLTR: maximum likelihood for transmission, photons ~ Poisson(I₀ e^{−A x}).
//!
//! x ← P(x + Aₛᵀ(e^{−Ax} − e^{−y}) / Aₛᵀ(l e^{−Ax})), l = A1 the rays' lengths, for each subset s; I₀ cancels. J. Nuyts
//! et al., Phys. Med. Biol. 43, 1998, from K. Lange, J. A. Fessler, IEEE Trans. Image Process. 4, 1995. Rays that few
//! photons passed count little, without a logarithm's bias: for low dose and metal. Converges slowly where nearly
//! nothing passes.

use super::iterative::subsets::{Subset, Subsets};
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, Order, vectors};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup, Takes};
use crate::error::Result;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Maximum likelihood for transmission data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Iterations, each over all views.
    pub iterations: u64,
    /// Views of a subset; 0 = all.
    pub subset_views: usize,
    /// In which order the subsets are visited.
    pub ordering: Order,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Where x may be anything but air.
    pub mask: Mask,
    /// Ends the iteration once the residual changes by less than this part of itself; 0 = never.
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

/// What passes along the rays of a part, per photon, and how the model departs from it.
struct Photons {
    /// e^{−y}.
    measured: Tensor,
    /// l mu_ref.
    lengths: Tensor,
}

impl Photons {
    fn new(system: &LinearSystem<'_>, part: &Subset, support: &Tensor) -> Result<Self> {
        let measured = || part.data.f_mul_scalar(-system.mu_ref)?.f_clamp_max_(CLEAREST)?.f_exp_();
        let lengths = part.operator.forward(support)?.f_mul_scalar_(system.mu_ref).map_err(torch_error)?;
        Ok(Self { measured: measured().map_err(torch_error)?, lengths })
    }

    /// Of A x: e^{−Ax} − e^{−y} and l e^{−Ax}, the deviance per photon Σ e^{−Ax} − e^{−y} + e^{−y} (Ax − y), and ‖Ax −
    /// y‖².
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

/// Largest −Ax and −y that are taken as they are: a transmission above 1 can only be noise.
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
    /// Its statistics are those of counted photons behind an attenuating object.
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
