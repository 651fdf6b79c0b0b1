//! What a penalty is to the primal-dual method, and the steps it takes.

use super::Effort;
use crate::error::Result;
use tch::Tensor;

/// Dual step of the penalty, in units of what the data's step has.
const SHARE: f64 = 0.25;

/// The steps of one iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Primal step τ.
    pub primal: f64,
    /// Dual step of the data.
    pub data: f64,
    /// Dual step of the penalty.
    pub penalty: f64,
    /// Overrelaxation ρ.
    pub relaxation: f64,
    /// Factor of the backprojection that a primal step is given.
    pub scale: f64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Bound M that the gap is taken within, where it is wanted.
    pub bound: Option<f64>,
    /// Whether it was shortened.
    pub short: bool,
}

impl Step {
    /// Steps with τ (σ ÂᵀRÂ + σ' KᵀK) ≤ 1, where ‖√R Â‖ = 1 and σ' ‖K‖² = [`SHARE`] σ.
    ///
    /// The best τ/σ is the ratio of the lengths of x and q; |q| is about w, so τ goes as 1/√w.
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
    /// Dual steps of two thirds: they converge even if the norm of the data's part was underestimated by half. Once.
    pub(super) fn shorten(&mut self) {
        if !self.short {
            (self.data, self.penalty, self.short) = (self.data / 1.5, self.penalty / 1.5, true);
        }
    }
}

/// A convex penalty R(x) = max over q of ⟨Kx, q⟩ − R*(q), holding its own dual (and further primal) variables.
pub trait Penalty {
    /// The weight w, which R is proportional to.
    fn weight(&self) -> f64;

    /// An upper bound of ‖K‖².
    fn norm_squared(&self) -> f64;

    /// Another weight; the dual variables scale with it, so that they stay a good start.
    ///
    /// # Errors
    /// Memory.
    fn reweight(&mut self, weight: f64) -> Result<()>;

    /// `out` = x − τ(scale · `back` + Kᵀq), clamped at 0 if asked; moves its own primal variables too. Returns Σ x s +
    /// M max(−s, 0) (|s| without the constraint) if a bound is set, s the bracket; else 0.
    ///
    /// # Errors
    /// Memory.
    fn primal(&mut self, step: &Step, back: &Tensor, x: &Tensor, out: &mut Tensor) -> Result<f64>;

    /// The dual step at 2 `ahead` − `behind`, relaxed.
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
