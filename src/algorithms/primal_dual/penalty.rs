//! The interface of a penalty to the primal-dual method, and the step sizes.

use super::Effort;
use crate::error::Result;
use tch::Tensor;

/// Dual step of the penalty times ‖K‖², as a fraction of the dual step of the data.
const SHARE: f64 = 0.25;

/// Step sizes and options of one iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Primal step size τ.
    pub primal: f64,
    /// Dual step size σ of the data term.
    pub data: f64,
    /// Dual step size σ' of the penalty.
    pub penalty: f64,
    /// Overrelaxation ρ.
    pub relaxation: f64,
    /// Factor on the backprojection passed to [`Penalty::primal`]: 1/‖A‖.
    pub scale: f64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Bound M of |x| for the duality gap; `None` if the gap is not evaluated in this iteration.
    pub bound: Option<f64>,
    /// Whether the dual steps have been shortened.
    pub short: bool,
}

impl Step {
    /// Steps with τ (σ ÂᵀRÂ + σ' KᵀK) ≤ 1, where ‖√R Â‖ = 1 and σ' ‖K‖² = [`SHARE`] σ.
    ///
    /// The best τ/σ is the ratio of the norms of x and q; |q| is about w, so τ scales as 1/√w.
    pub(super) fn new(penalty: &dyn Penalty, scale: f64, effort: &Effort) -> Self {
        let primal = effort.step * (2e-4 / penalty.weight().max(1e-5)).sqrt();
        let dual = 1.0 / (primal * (1.0 + SHARE));
        let penalty = SHARE * dual / penalty.norm_squared().max(1e-12);
        Self {
            primal,
            data: dual,
            penalty,
            relaxation: 1.0,
            scale,
            nonnegative: effort.nonnegative,
            bound: None,
            short: false,
        }
    }
}

impl Step {
    /// Reduces the dual steps to two thirds, once: they then converge even if ‖√R Â‖² is 1.5 times its estimate.
    pub(super) fn shorten(&mut self) {
        if !self.short {
            (self.data, self.penalty, self.short) = (self.data / 1.5, self.penalty / 1.5, true);
        }
    }
}

/// A convex penalty R(x) = max over q of ⟨Kx, q⟩ − R*(q), which holds its own dual variables and any further primal
/// ones.
pub trait Penalty {
    /// The weight w, to which R is proportional.
    fn weight(&self) -> f64;

    /// An upper bound of ‖K‖².
    fn norm_squared(&self) -> f64;

    /// Changes the weight. The dual variables are scaled with it, so that they remain a good starting point.
    ///
    /// # Errors
    /// Memory.
    fn reweight(&mut self, weight: f64) -> Result<()>;

    /// Primal step: `out` = x − τ(scale · `back` + Kᵀq), clamped at 0 if `nonnegative`; moves the penalty's own primal
    /// variables too. If a bound M is set, returns Σ (x s + M max(−s, 0)), where s is the bracket (without
    /// `nonnegative`: Σ (x s + M |s|)); otherwise 0.
    ///
    /// # Errors
    /// Memory.
    fn primal(&mut self, step: &Step, back: &Tensor, x: &Tensor, out: &mut Tensor) -> Result<f64>;

    /// Dual step at 2 `ahead` − `behind`, with overrelaxation.
    ///
    /// # Errors
    /// Memory.
    fn dual(&mut self, step: &Step, ahead: &Tensor, behind: &Tensor) -> Result<()>;

    /// R(x), and R(x) + R*(q) − ⟨Kx, q⟩ ≥ 0.
    ///
    /// # Errors
    /// Memory.
    fn value(&self, x: &Tensor) -> Result<(f64, f64)>;
}
