//! OSEM: maximum likelihood for Poisson-distributed emission data, y ~ Poisson(A x), with ordered subsets of the views.
//!
//! x ← x · Aₛᵀ(yₛ / Aₛ x) / Aₛᵀ1 for each subset s. H. M. Hudson, R. S. Larkin, IEEE Trans. Med. Imaging 13, 1994.
//! Keeps x ≥ 0, and with one subset the total counts, without further constraints. Made for emission tomography; on
//! line integrals it is a robust multiplicative method. Negative data are set to 0.

use super::iterative::subsets::{Columns, Subset, Subsets};
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, Order, vectors};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::data::Warning;
use crate::error::Result;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Maximum likelihood for emission data with ordered subsets (OSEM).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of iterations, each over all views.
    pub iterations: u64,
    /// Number of views in a subset; 0 takes all views (MLEM).
    pub subset_views: usize,
    /// Order in which the subsets are visited.
    pub ordering: Order,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { iterations: 20, subset_views: 8, ordering: Order::Multilevel, mask: Mask::None, tolerance: 0.0 }
    }
}

/// Projections of x of at most this many mm count as 0: the ray meets no part of the volume.
const NOTHING: f64 = 1e-12;

impl Config {
    pub(super) fn common(&self, key: &'static str) -> Common {
        Common { key, iterations: self.iterations, tolerance: self.tolerance, nonnegative: true, mask: self.mask }
    }

    pub(super) fn solve(&self, key: &'static str, problem: &Problem<'_>, run: &Run<'_>) -> Result<Reconstruction> {
        let (problem, negative) = problem.without_negative_values()?;
        let mut made = self.common(key).solve(&problem, run, |system, record| self.iterate(system, record))?;
        if negative > 0 {
            let all = problem.setup().samples();
            let message = format!("{negative} of {all} line integrals are negative and count as 0");
            made.warnings.push(Warning::new("negative_data", message));
        }
        Ok(made)
    }

    fn iterate(&self, system: &LinearSystem<'_>, record: &mut ConvergenceRecord<'_>) -> Result<Tensor> {
        let subsets = Subsets::new(system, self.subset_views, self.ordering)?;
        let mut columns = Columns::new(&subsets);
        let mut x = first(system)?;
        for iteration in 1.. {
            let (mut loss, mut squares) = (0.0, 0.0);
            for number in subsets.order(iteration) {
                let part = &subsets.subsets[number];
                let columns = columns.of(number, || inverse_sensitivity(part))?;
                let mut ratio = part.operator.forward(&x)?;
                let (own_loss, own_squares) = compare(&mut ratio, &part.data).map_err(torch_error)?;
                (loss, squares) = (loss + own_loss, squares + own_squares);
                let back = part.operator.adjoint(&ratio)?;
                let _ = x.f_mul_(&back).and_then(|mut x| x.f_mul_(&columns)).map_err(torch_error)?;
            }
            if record.step(iteration, loss, squares.sqrt())? {
                break;
            }
        }
        Ok(x)
    }
}

/// The initial volume, above 0 everywhere within the support, because the update keeps zeros at 0.
fn first(system: &LinearSystem<'_>) -> Result<Tensor> {
    let expected = system.operator.forward(&system.support()?)?;
    let total = |stack: &Tensor| stack.f_sum(Kind::Double).map(|sum| sum.double_value(&[])).map_err(torch_error);
    let (found, expected) = (total(&system.data)?, total(&expected)?);
    let mean = if expected > 0.0 { found / expected } else { 0.0 };
    let mut x = system.start_or(mean)?;
    if system.start.is_some() {
        x.f_clamp_min_(1e-3 * mean).and_then(|mut x| system.masked(&mut x)).map_err(torch_error)?;
    }
    Ok(x)
}

/// 1 / Aₛᵀ1.
fn inverse_sensitivity(part: &Subset) -> Result<Tensor> {
    let ones = part.data.f_ones_like().map_err(torch_error)?;
    vectors::inverted(part.operator.adjoint(&ones)?).map_err(torch_error)
}

/// Replaces A x by y / A x in place; returns the Kullback–Leibler divergence Σ (A x − y + y ln(y / A x)) and ‖A x −
/// y‖².
fn compare(projected: &mut Tensor, data: &Tensor) -> std::result::Result<(f64, f64), TchError> {
    let sum = |stack: &Tensor| stack.f_sum(Kind::Double).map(|sum| sum.double_value(&[]));
    let difference = projected.f_sub(data)?;
    let nothing = projected.f_le(NOTHING)?;
    let mut ratio = data.f_div(projected)?;
    let _ = ratio.f_masked_fill_(&nothing, 0.0)?;
    let logarithms = data.f_xlogy(&ratio)?.f_masked_fill_(&nothing, 0.0)?;
    let loss = sum(&difference)? + sum(&logarithms)?;
    *projected = ratio;
    Ok((loss, vectors::dot(&difference, &difference)?))
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        self.common("osem").check()
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let kept = Subsets::kept(self.subset_views, setup);
        self.common("osem").estimate(setup, 2.0, 6, 3 + kept)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.solve("osem", problem, run)
    }
}
