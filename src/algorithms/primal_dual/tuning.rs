//! Reconstruction with a penalty whose weight is given or chosen automatically; shared by `tv` and `tgv`.

use super::{Effort, Penalty, SaddlePointProblem};
use crate::algorithms::statistics::{self, Statistics};
use crate::algorithms::weight::{Choice, Trials, Weight};
use crate::algorithms::{Problem, Reconstruction, Run};
use crate::data::Volume;
use crate::error::Result;
use tch::Tensor;

/// Maximum iterations and relative gap of a trial: its objective is then within 0.2 % of the minimum. Fewer iterations
/// would favour small weights, because a trial that is still close to its smooth initial volume looks better than its
/// converged volume.
const TRIAL: (u64, f64) = (80, 0.2);

/// The settings of a reconstruction with any penalty.
pub struct Recipe<'a> {
    /// Name in progress messages.
    pub label: &'a str,
    /// The weight, or the rule by which it is chosen.
    pub weight: &'a Weight,
    /// Noise model of the data, if rays are weighted by their inverse variance.
    pub noise: Option<&'a Statistics>,
    /// Stopping rule and step size of the final reconstruction.
    pub effort: Effort,
    /// Builds the penalty for a weight, with dual variables 0.
    pub penalty: &'a dyn Fn(f64) -> Result<Box<dyn Penalty>>,
}

impl Recipe<'_> {
    /// Chooses the weight without the final reconstruction.
    ///
    /// # Errors
    /// As for [`SaddlePointProblem::new`] and [`SaddlePointProblem::solve`].
    pub fn choose(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Choice> {
        let _threads = crate::tensors::ThreadScope::for_tensors_of(problem.largest());
        let mut tuning = Tuning { recipe: self, lattice: problem.lattice, run, folds: Vec::new() };
        self.weight.choose(problem, run, &mut tuning)
    }

    /// Minimises the objective, starting from the run's initial volume, else from the last trial's volume, else from
    /// zero.
    ///
    /// # Errors
    /// As for [`SaddlePointProblem::new`] and [`SaddlePointProblem::solve`].
    pub fn reconstruct(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Reconstruction> {
        let _threads = crate::tensors::ThreadScope::for_tensors_of(problem.largest());
        let (initial, lattice) = (run.initial.as_ref(), problem.lattice);
        let mut tuning = Tuning { recipe: self, lattice, run, folds: Vec::new() };
        let choice = self.weight.choose(problem, run, &mut tuning)?;
        // The variables of the first fold's last trial are a good start; the memory of the other folds is freed.
        let (penalty, tried) = tuning.folds.drain(..).next().map_or((None, None), |fold| (fold.penalty, fold.last));
        let saddle = SaddlePointProblem::new(problem, self.noise, run)?;
        let start = initial.map(|volume| saddle.scaled(volume)).transpose()?.or(tried);
        let mut penalty = self.weighted(penalty, choice.weight, lattice)?;
        let solution = saddle.solve(penalty.as_mut(), &self.effort_on(lattice), start.as_ref(), self.label)?;
        let mut made = saddle.reconstruction(solution)?;
        made.notes.extend(choice.notes());
        // The warning is about photon statistics and does not apply to measurements other than X-rays.
        if let (None, Ok(data)) = (self.noise, problem.projections()) {
            made.warnings.extend(statistics::unequal(data));
        }
        Ok(made)
    }
}

/// Trial reconstructions of each fold, each starting from the variables of the previous trial.
struct Tuning<'a> {
    recipe: &'a Recipe<'a>,
    lattice: usize,
    run: &'a Run<'a>,
    folds: Vec<Fold<'a>>,
}

/// The problem of one fold, with the variables of its last trial.
struct Fold<'a> {
    problem: SaddlePointProblem<'a>,
    penalty: Option<Box<dyn Penalty>>,
    last: Option<Tensor>,
}

impl Recipe<'_> {
    /// The effort with the primal step scaled to a grid `lattice` times finer: ‖Â‖ = 1 on every grid, but a finer one
    /// has more voxels.
    fn effort_on(&self, lattice: usize) -> Effort {
        Effort { step: self.effort.step * lattice as f64, ..self.effort }
    }

    /// The penalty for a weight given for voxels of the output grid, reusing the variables of `last` if there is one.
    fn weighted(&self, last: Option<Box<dyn Penalty>>, weight: f64, lattice: usize) -> Result<Box<dyn Penalty>> {
        let weight = weight * lattice as f64;
        let Some(mut penalty) = last else { return (self.penalty)(weight) };
        penalty.reweight(weight)?;
        Ok(penalty)
    }
}

impl Trials for Tuning<'_> {
    fn prepare(&mut self, folds: &[Problem<'_>]) -> Result<()> {
        let fold = |part| {
            let problem = SaddlePointProblem::new(part, self.recipe.noise, self.run)?;
            Ok(Fold { problem, penalty: None, last: None })
        };
        self.folds = folds.iter().map(fold).collect::<Result<_>>()?;
        Ok(())
    }

    fn solve(&mut self, fold: usize, weight: f64) -> Result<Volume> {
        let Fold { problem, penalty, last } = &mut self.folds[fold];
        let mut weighted = self.recipe.weighted(penalty.take(), weight, self.lattice)?;
        let effort = Effort { iterations: TRIAL.0, tolerance: TRIAL.1, ..self.recipe.effort_on(self.lattice) };
        let label = format!("{} with weight {weight:.1e}", self.recipe.label);
        let solution = problem.solve(weighted.as_mut(), &effort, last.as_ref(), &label)?;
        *penalty = Some(weighted);
        let volume = problem.volume(&solution.x)?;
        *last = Some(solution.x);
        Ok(volume)
    }
}
