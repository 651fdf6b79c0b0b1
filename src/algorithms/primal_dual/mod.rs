//! The primal-dual hybrid gradient method for min ½ |Âx − ŷ|² + R(x), x ≥ 0, with Â = A/‖A‖, ŷ = y/(‖A‖ mu_ref), x =
//! mu/mu_ref, for any penalty R; used by total variation and related penalties.
//!
//! Chambolle and Pock, J. Math. Imaging Vis. 40, 2011, in the overrelaxed form of Condat, J. Optim. Theory Appl. 158,
//! 2013: x̃ = max(x − τ(Âᵀp + ∇ᵀq), 0), a dual step at 2x̃ − x, and the changes of x, p, q multiplied by the
//! overrelaxation ρ. Each block has its own step size (Pock and Chambolle, ICCV 2011): τ (σ ÂᵀRÂ + σ' ∇ᵀ∇) ≤ 1, with
//! the ramp filter R of the data's dual step.
//!
//! **Stopping.** The duality gap of the problem with the additional constraint |x| ≤ M, M = 1.5 max |x|, (the partial
//! gap of Chambolle and Pock 2011, §3.1, over a box) is an upper bound of how far the objective is above its minimum,
//! if the minimiser lies within the box. The box makes every dual point feasible: a negative component of Âᵀp + ∇ᵀq
//! costs M times its size. The gap is summed as ½|r − p|² + Σ(R(x) + R*(q) − ∇x·q) + Σ(x s + M max(−s, 0)), r = Âx − ŷ,
//! s = Âᵀp + ∇ᵀq. Every term is 0 or more, so that the sum stays non-negative in f32. It needs no further projection,
//! because Âx and s are known. Every [`EVERY`]-th iteration is not overrelaxed, because only then x ≥ 0 and |q| ≤ w
//! hold.

mod effort;
mod fidelity;
mod generalised;
mod penalty;
mod tuning;
mod variation;

pub use effort::Effort;
pub use generalised::Generalised;
pub use penalty::{Penalty, Step};
pub use tuning::Recipe;
pub use variation::Variation;

use super::statistics::Statistics;
use super::{Problem, Reconstruction, Run};
use crate::data::{CurvePoint, Grid, Quantity, Volume};
use crate::error::Result;
use crate::operators::Weighted;
use crate::progress;
use crate::tensors::{dot, from_volume, to_vec, torch_error};
use fidelity::Fidelity;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Instant;
use tch::{Device, Kind, Tensor};

/// Number of iterations between two evaluations of the gap.
pub const EVERY: u64 = 10;
/// Overrelaxation ρ of the iterations between two evaluations of the gap.
const RELAXATION: f64 = 1.8;
/// Number of iterations within which the gap must fall by a fifth; otherwise the dual steps are shortened.
const PATIENCE: usize = 50;

/// The data term of a [`Problem`], to be minimised together with any penalty from any initial volume.
pub struct SaddlePointProblem<'a> {
    fidelity: Fidelity,
    grid: Grid,
    run: &'a Run<'a>,
    mu_ref: f64,
}

/// The result of the iteration.
pub struct Solution {
    /// The volume x `[z, y, x]`, in units of mu_ref.
    pub x: Tensor,
    /// Convergence curve.
    pub curve: Vec<CurvePoint>,
    /// Number of iterations taken.
    pub iterations: u64,
    /// Final duality gap relative to the objective.
    pub gap: f64,
}

/// The primal variable x, its successor, Âx, and the dual variable p of the data term.
struct State {
    x: Tensor,
    next: Tensor,
    projected: Tensor,
    p: Tensor,
}

/// Terms of the objective, relative gap and relative residual at an iterate.
struct Evaluated {
    data: f64,
    penalty: f64,
    gap: f64,
    residual: f64,
}

impl<'a> SaddlePointProblem<'a> {
    /// Builds the operator of a problem and computes its norms. With `noise`, A and y stand for √W A and √W y, where W
    /// is the diagonal of the rays' inverse variances.
    ///
    /// # Errors
    /// A scan whose rays miss the grid; a projector that the device does not have; lack of memory.
    pub fn new(problem: &Problem<'_>, noise: Option<&Statistics>, run: &'a Run<'a>) -> Result<Self> {
        let (mu_ref, integrals) = (problem.unit(), problem.values(run.device)?);
        let (mut operator, mut values) = (problem.operator(run.device)?, &integrals / mu_ref);
        if let Some(noise) = noise {
            let factors = noise.weights(&integrals)?.sqrt();
            values *= &factors;
            operator = Box::new(Weighted { operator, factors });
        }
        let fidelity = Fidelity::new(operator, &values, run.device, run.seed)?;
        Ok(Self { fidelity, grid: problem.grid.clone(), run, mu_ref })
    }

    /// x `[z, y, x]` of a volume of attenuation (1/mm), on the run's device.
    ///
    /// # Errors
    /// Memory.
    pub fn scaled(&self, volume: &Volume) -> Result<Tensor> {
        Ok(from_volume(volume, self.run.device)? / self.mu_ref)
    }

    /// The volume of attenuation (1/mm) of x `[z, y, x]`.
    ///
    /// # Errors
    /// Memory.
    pub fn volume(&self, x: &Tensor) -> Result<Volume> {
        Volume::from_vec(self.grid.clone(), Quantity::Attenuation, to_vec(&(x.to_device(Device::Cpu) * self.mu_ref))?)
    }

    /// The reconstruction of a solution, with its curve, number of iterations and gap.
    ///
    /// # Errors
    /// Memory.
    pub fn reconstruction(&self, solution: Solution) -> Result<Reconstruction> {
        let mut made = Reconstruction::plain(self.volume(&solution.x)?);
        made.curve = solution.curve;
        made.notes.insert("iterations".into(), json!(solution.iterations));
        made.notes.insert("relative_gap".into(), json!(solution.gap));
        Ok(made)
    }

    /// Minimises the objective from `start` (or zero). `label` is its name in progress messages.
    ///
    /// # Errors
    /// Memory; [`crate::error::Error::Stopped`].
    pub fn solve(
        &self,
        penalty: &mut dyn Penalty,
        effort: &Effort,
        start: Option<&Tensor>,
        label: &str,
    ) -> Result<Solution> {
        tch::no_grad(|| self.iterate(penalty, effort, start, label))
    }

    fn iterate(
        &self,
        penalty: &mut dyn Penalty,
        effort: &Effort,
        start: Option<&Tensor>,
        label: &str,
    ) -> Result<Solution> {
        let mut state = self.begin(start)?;
        let mut step = Step::new(penalty, self.fidelity.scale(), effort);
        let (begun, mut curve, mut iteration) = (Instant::now(), Vec::new(), 0);
        let mut figures = [("loss", 0.0), ("gap", 0.0)];
        let task = progress::begin(label, Some(effort.iterations));
        let gap = loop {
            self.run.stop.check_stop()?;
            let back = self.fidelity.back(&state.p)?;
            let looking = iteration > 0 && (iteration % EVERY == 0 || iteration == effort.iterations);
            step.bound = if looking { Some(1.5 * state.x.abs().max().double_value(&[])) } else { None };
            let beyond = penalty.primal(&step, &back, &state.x, &mut state.next)?;
            if looking {
                let found = self.measure(&state, penalty, beyond)?;
                figures = [("loss", found.data + found.penalty), ("gap", found.gap)];
                curve.push(found.point(iteration, begun.elapsed().as_secs_f64()));
                if iteration == effort.iterations || found.gap <= effort.tolerance {
                    break found.gap;
                }
                if stuck(&curve) {
                    step.shorten();
                }
            }
            iteration += 1;
            progress::advance(iteration, if curve.is_empty() { &[] } else { &figures });
            step.relaxation = if iteration % EVERY == 0 || iteration == effort.iterations { 1.0 } else { RELAXATION };
            self.advance(&mut state, penalty, &step)?;
        };
        task.end();
        Ok(Solution { x: state.x, curve, iterations: iteration, gap })
    }

    fn begin(&self, start: Option<&Tensor>) -> Result<State> {
        let options = (Kind::Float, self.run.device);
        let zeros = |shape: [usize; 3]| Tensor::f_zeros(shape.map(|n| n as i64), options).map_err(torch_error);
        let x = start.map_or_else(|| zeros(self.grid.shape), |start| Ok(start.copy()))?;
        let projected = if start.is_some() { self.fidelity.project(&x)? } else { zeros(self.fidelity.shape())? };
        // The optimal p at x is the residual Âx − ŷ.
        let p = if start.is_some() {
            (&projected - &self.fidelity.data).contiguous()
        } else {
            zeros(self.fidelity.shape())?
        };
        Ok(State { next: zeros(self.grid.shape)?, x, projected, p })
    }

    /// From x̃ in `state.next`: takes the dual steps at 2x̃ − x and relaxes all variables.
    fn advance(&self, state: &mut State, penalty: &mut dyn Penalty, step: &Step) -> Result<()> {
        penalty.dual(step, &state.next, &state.x)?;
        let projected = self.fidelity.project(&state.next)?;
        self.fidelity.dual(&mut state.p, &projected, &state.projected, step)?;
        if step.relaxation == 1.0 {
            std::mem::swap(&mut state.x, &mut state.next);
            state.projected = projected;
            return Ok(());
        }
        let mut relax = || -> std::result::Result<(), tch::TchError> {
            let _ = state.x.f_lerp_(&state.next, step.relaxation)?;
            let _ = state.projected.f_lerp_(&projected, step.relaxation)?;
            Ok(())
        };
        relax().map_err(torch_error)
    }

    fn measure(&self, state: &State, penalty: &dyn Penalty, beyond: f64) -> Result<Evaluated> {
        let residual = &state.projected - &self.fidelity.data;
        let square = |tensor: &Tensor| dot(tensor, tensor).map_err(torch_error);
        let data = 0.5 * square(&residual)?;
        let (value, gap) = penalty.value(&state.x)?;
        let total = 0.5 * square(&(&residual - &state.p))? + gap + beyond;
        let objective = data + value;
        Ok(Evaluated {
            data,
            penalty: value,
            gap: if total > 0.0 { total / objective.max(f64::MIN_POSITIVE) } else { 0.0 },
            residual: (2.0 * data).sqrt() / self.fidelity.size,
        })
    }
}

/// Whether the gap has not fallen as it must: then the norm ‖√R Â‖ was underestimated, and the iteration does not
/// converge.
fn stuck(curve: &[CurvePoint]) -> bool {
    let looks = PATIENCE / EVERY as usize;
    let gap = |back: usize| curve.len().checked_sub(back + 1).and_then(|i| curve[i].figures.get("gap")).copied();
    match (gap(0), gap(looks)) {
        (Some(now), Some(before)) => curve.len() > 2 * looks && now > 0.8 * before,
        _ => false,
    }
}

impl Evaluated {
    fn point(&self, step: u64, seconds: f64) -> CurvePoint {
        let figures = [("data", self.data), ("penalty", self.penalty), ("gap", self.gap), ("residual", self.residual)];
        let figures = figures.map(|(name, value)| (name.to_string(), value)).into_iter().collect::<BTreeMap<_, _>>();
        CurvePoint { step, seconds, loss: self.data + self.penalty, figures }
    }
}
