//! Gauss–Newton on the residual of a small copy of the scan, with standard errors.
//!
//! The Jacobian is computed by central differences of half a pixel of the copy. Each evaluation reconstructs its own
//! volume (variable projection: G. H. Golub, V. Pereyra, Inverse Problems 19 (2003) R1), so that errors which the
//! object can absorb have no effect. Steps are damped (Levenberg–Marquardt), and a weak prior keeps the parameters in
//! their range.
//!
//! Standard errors are those of White's estimator with the views as clusters, H⁻¹ (Σ gᵥ gᵥᵀ) H⁻¹, gᵥ = Jᵥᵀ rᵥ: they
//! assume neither white noise nor a noise model, only that the errors of different views are independent.

use super::parameter::{Parameter, Values};
use super::small::Small;
use crate::data::{Geometry, norm};
use crate::error::Result;
use crate::progress::StopSignal;

/// The iteration ends when a step is below this multiple of the difference steps.
const FINEST: f64 = 0.01;
/// Number of attempts with more damping before the iteration ends.
const SHORTER: usize = 4;

/// Result of the fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit {
    /// Estimated values; those of parameters that were not chosen stay as they were.
    pub(crate) values: Values,
    /// Standard errors, in the units of the values; 0 for parameters that were not chosen.
    pub(crate) errors: Values,
}

/// Difference steps: the change of each parameter, in its unit, that moves the projection at the detector's edge (for
/// the drift, in the first and the last view) by half a pixel of the copy.
pub(crate) fn steps(small: &Small, geometry: &Geometry) -> Values {
    let [_, rows, columns] = geometry.shape();
    let first = &geometry.views[0];
    let bin = small.bin.map(|n| n as f64);
    let [high, wide] = [rows as f64 / 2.0 * norm(first.v), columns as f64 / 2.0 * norm(first.u)];
    let half = 0.5 * bin[1] * norm(first.u);
    let far = geometry.orbit.as_ref().and_then(|orbit| orbit.source_to_detector).unwrap_or(1.0);
    let roll = (half / wide.max(high)).to_degrees();
    let tilt = (half * far / (high * wide.max(high))).to_degrees();
    let distance = 100.0 * half * far / (wide * wide);
    [0.5 * bin[1], 0.5 * bin[0], roll.min(2.0), tilt.min(2.0), distance.min(4.0), bin[1]]
}

/// Largest effort of the fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Number of Jacobians; each needs two reconstructions per parameter.
    pub(crate) jacobians: usize,
    /// Number of steps per Jacobian; each needs one reconstruction or more.
    pub(crate) steps: usize,
}

/// The values that fit the data best, starting from `start`.
///
/// # Errors
/// Too little memory, or a stop.
pub(crate) fn refined(
    small: &Small,
    geometry: &Geometry,
    chosen: &[Parameter],
    start: Values,
    effort: Effort,
    stop: &dyn StopSignal,
) -> Result<Fit> {
    let mut search = Search::new(small, geometry, chosen, start, stop)?;
    let [_, rows, columns] = geometry.shape();
    let mut errors = [0.0; 6];
    let mut damping = 1e-3;
    'all: for _ in 0..effort.jacobians {
        let jacobian = search.jacobian()?;
        let mut normal = Normal::new(&search, &jacobian, [rows, columns]);
        errors = search.errors(&normal, &jacobian);
        for _ in 0..effort.steps {
            normal.look(&search, &jacobian);
            if search.step(&normal, &mut damping)? < FINEST {
                break 'all;
            }
        }
    }
    Ok(Fit { values: search.values, errors })
}

/// State of the iteration.
struct Search<'a> {
    small: &'a Small<'a>,
    views: Vec<usize>,
    /// Indices of the chosen parameters in [`Values`].
    which: Vec<usize>,
    /// Difference steps; the equations are solved in these units.
    unit: Values,
    stop: &'a dyn StopSignal,
    values: Values,
    /// Residual A x − y at `values`.
    left: Vec<f32>,
}

impl<'a> Search<'a> {
    fn new(
        small: &'a Small<'a>,
        geometry: &Geometry,
        chosen: &[Parameter],
        start: Values,
        stop: &'a dyn StopSignal,
    ) -> Result<Self> {
        let views = small.views(false);
        let which: Vec<usize> = (0..6).filter(|&k| chosen.contains(&Parameter::STEADY[k])).collect();
        let mut search =
            Self { small, views, which, unit: steps(small, geometry), stop, values: start, left: Vec::new() };
        search.left = search.residual(&start)?;
        Ok(search)
    }

    fn residual(&self, values: &Values) -> Result<Vec<f32>> {
        self.stop.check_stop()?;
        Ok(self.small.left(&self.small.volume(&self.views, values, &[])?, &self.views, values, &[]))
    }

    /// The Jacobian, one column per chosen parameter.
    fn jacobian(&self) -> Result<Vec<Vec<f32>>> {
        let column = |&k: &usize| {
            let aside = |sign: f64| {
                let mut values = self.values;
                values[k] += sign * self.unit[k];
                self.residual(&values)
            };
            let (above, below) = (aside(1.0)?, aside(-1.0)?);
            Ok(above.iter().zip(&below).map(|(a, b)| (a - b) / 2.0).collect())
        };
        self.which.iter().map(column).collect()
    }

    /// The chosen values, in units of the difference steps.
    fn place(&self) -> Vec<f64> {
        self.which.iter().map(|&k| self.values[k] / self.unit[k]).collect()
    }

    /// Takes a damped step that lowers the cost. Returns its largest component, in difference steps, or 0 if no such
    /// step was found.
    fn step(&mut self, normal: &Normal, damping: &mut f64) -> Result<f64> {
        let from = self.place();
        let cost = normal.cost(&self.left, &from);
        for _ in 0..SHORTER {
            let Some(step) = normal.step(*damping) else { break };
            let to: Vec<f64> = from.iter().zip(&step).map(|(x, step)| x - step).collect();
            let mut values = self.values;
            self.which.iter().zip(&to).for_each(|(&k, x)| values[k] = x * self.unit[k]);
            let left = self.residual(&values)?;
            if normal.cost(&left, &to) < cost {
                (self.values, self.left) = (values, left);
                *damping /= 10.0;
                return Ok(step.iter().fold(0.0, |most: f64, step| most.max(step.abs())));
            }
            *damping = damping.max(1e-3) * 10.0;
        }
        Ok(0.0)
    }

    /// Standard errors, in the units of the values.
    fn errors(&self, normal: &Normal, jacobian: &[Vec<f32>]) -> Values {
        let mut errors = [0.0; 6];
        let found = deviations(&normal.matrix, jacobian, &self.left, self.small.per_view());
        for (&k, error) in self.which.iter().zip(found.unwrap_or_default()) {
            errors[k] = error * self.unit[k];
        }
        errors
    }
}

/// The normal equations, including the prior.
struct Normal {
    matrix: Vec<Vec<f64>>,
    slope: Vec<f64>,
    /// Weight of the squared value of each parameter.
    prior: Vec<f64>,
}

impl Normal {
    fn new(search: &Search, jacobian: &[Vec<f32>], size: [usize; 2]) -> Self {
        let variance = square(&search.left) / search.left.len() as f64;
        let weight = |&k: &usize| variance * (search.unit[k] / Parameter::STEADY[k].reach(size)).powi(2);
        let prior: Vec<f64> = search.which.iter().map(weight).collect();
        let row = |a: &Vec<f32>| jacobian.iter().map(|b| product(a, b)).collect();
        let mut matrix: Vec<Vec<f64>> = jacobian.iter().map(row).collect();
        (0..prior.len()).for_each(|i| matrix[i][i] += prior[i]);
        Self { matrix, slope: Vec::new(), prior }
    }

    /// Computes the gradient at the current values.
    fn look(&mut self, search: &Search, jacobian: &[Vec<f32>]) {
        let own = self.prior.iter().zip(search.place()).map(|(weight, x)| weight * x);
        self.slope = jacobian.iter().zip(own).map(|(column, own)| product(column, &search.left) + own).collect();
    }

    fn cost(&self, left: &[f32], place: &[f64]) -> f64 {
        square(left) + self.prior.iter().zip(place).map(|(weight, x)| weight * x * x).sum::<f64>()
    }

    fn step(&self, damping: f64) -> Option<Vec<f64>> {
        let mut damped = self.matrix.clone();
        (0..damped.len()).for_each(|i| damped[i][i] *= 1.0 + damping);
        solved(damped, self.slope.clone())
    }
}

/// Σ a².
pub(crate) fn square(a: &[f32]) -> f64 {
    product(a, a)
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Square roots of the diagonal of H⁻¹ (Σ gᵥ gᵥᵀ) H⁻¹ n / (n − k).
fn deviations(matrix: &[Vec<f64>], jacobian: &[Vec<f32>], left: &[f32], per_view: usize) -> Option<Vec<f64>> {
    let k = matrix.len();
    let columns: Vec<Vec<f64>> = (0..k)
        .map(|i| solved(matrix.to_vec(), (0..k).map(|j| f64::from(u8::from(i == j))).collect()))
        .collect::<Option<_>>()?;
    let views = left.len() / per_view;
    let mut sums = vec![0.0; k];
    for view in 0..views {
        let part = view * per_view..(view + 1) * per_view;
        let g: Vec<f64> = jacobian.iter().map(|a| product(&a[part.clone()], &left[part.clone()])).collect();
        for (sum, column) in sums.iter_mut().zip(&columns) {
            *sum += column.iter().zip(&g).map(|(a, g)| a * g).sum::<f64>().powi(2);
        }
    }
    let freedom = views as f64 / (views as f64 - k as f64).max(1.0);
    Some(sums.into_iter().map(|sum| (sum * freedom).sqrt()).collect())
}

/// Solves a positive definite system by elimination; `None` if it is not positive definite.
pub(crate) fn solved(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for i in 0..n {
        let pivot = matrix[i][i];
        if !(pivot.is_finite() && pivot > 0.0) {
            return None;
        }
        let row = matrix[i].clone();
        for j in i + 1..n {
            let factor = matrix[j][i] / pivot;
            matrix[j].iter_mut().zip(&row).skip(i).for_each(|(value, above)| *value -= factor * above);
            right[j] -= factor * right[i];
        }
    }
    for i in (0..n).rev() {
        let rest: f64 = (i + 1..n).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - rest) / matrix[i][i];
    }
    Some(right)
}
