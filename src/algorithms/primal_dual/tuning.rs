//! A penalty's reconstruction with its weight given or chosen: what the algorithms of this family do.

use super::{Effort, Penalty, SaddlePointProblem};
use crate::algorithms::statistics::{self, Statistics};
use crate::algorithms::weight::{Choice, Trials, Weight};
use crate::algorithms::{Problem, Reconstruction, Run};
use crate::data::Volume;
use crate::error::Result;
use tch::Tensor;

/// How far a trial goes, in iterations and gap: its objective is then within two thousandths of the least. Less would
/// flatter small weights: a trial that has not yet left the smooth volume it began with looks better than where it is
/// going.
const TRIAL: (u64, f64) = (80, 0.2);

/// What a reconstruction is made of, whatever the penalty.
pub struct Recipe<'a> {
    /// What the progress calls it.
    pub label: &'a str,
    /// The weight, or how it is chosen.
    pub weight: &'a Weight,
    /// The noise of the data, if rays count by it.
    pub noise: Option<&'a Statistics>,
    /// How far to iterate.
    pub effort: Effort,
    /// The penalty of a weight, its dual variables 0.
    pub penalty: &'a dyn Fn(f64) -> Result<Box<dyn Penalty>>,
}

impl Recipe<'_> {
    /// The weight alone.
    ///
    /// # Errors
    /// As the problem's.
    pub fn choose(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Choice> {
        let _threads = crate::tensors::ThreadScope::for_tensors_of(problem.largest());
        let mut tuning = Tuning { recipe: self, lattice: problem.lattice, run, folds: Vec::new() };
        self.weight.choose(problem, run, &mut tuning)
    }

    /// The volume that minimises the objective, from the run's initial volume or zero (or the last trial's).
    ///
    /// # Errors
    /// As the problem's.
    pub fn reconstruct(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Reconstruction> {
        let _threads = crate::tensors::ThreadScope::for_tensors_of(problem.largest());
        let (initial, lattice) = (run.initial.as_ref(), problem.lattice);
        let mut tuning = Tuning { recipe: self, lattice, run, folds: Vec::new() };
        let choice = self.weight.choose(problem, run, &mut tuning)?;
        // What the first fold's last trial left is a good start, and the other folds' memory is free again.
        let (penalty, tried) = tuning.folds.drain(..).next().map_or((None, None), |fold| (fold.penalty, fold.last));
        let saddle = SaddlePointProblem::new(problem, self.noise, run)?;
        let start = initial.map(|volume| saddle.scaled(volume)).transpose()?.or(tried);
        let mut penalty = self.weighted(penalty, choice.weight, lattice)?;
        let solution = saddle.solve(penalty.as_mut(), &self.effort_on(lattice), start.as_ref(), self.label)?;
        let mut made = saddle.reconstruction(solution)?;
        made.notes.extend(choice.notes());
        // Photons that are counted are what the warning is about: it means nothing to another measurement.
        if let (None, Ok(data)) = (self.noise, problem.projections()) {
            made.warnings.extend(statistics::unequal(data));
        }
        Ok(made)
    }
}

/// Trial reconstructions of each set of projections, each from the last one's variables.
struct Tuning<'a> {
    recipe: &'a Recipe<'a>,
    lattice: usize,
    run: &'a Run<'a>,
    folds: Vec<Fold<'a>>,
}

/// A set of projections, with what the last trial left.
struct Fold<'a> {
    problem: SaddlePointProblem<'a>,
    penalty: Option<Box<dyn Penalty>>,
    last: Option<Tensor>,
}

impl Recipe<'_> {
    /// The effort with a primal step for the run's grid: ‖Â‖ = 1 on all of them, but the finer voxels are more.
    fn effort_on(&self, lattice: usize) -> Effort {
        Effort { step: self.effort.step * lattice as f64, ..self.effort }
    }

    /// The penalty of a weight that is meant for the picture's voxels, from the last one where there is one.
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
