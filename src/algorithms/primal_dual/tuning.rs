//! A penalty's reconstruction with its weight given or chosen: what the algorithms of this family do.

use super::{Effort, Penalty, Problem};
use crate::algorithms::statistics::Statistics;
use crate::algorithms::weight::{Choice, Trials, Weight};
use crate::algorithms::{Reconstruction, Run};
use crate::data::{Grid, Projections, Volume};
use crate::error::Result;
use tch::Tensor;

/// How far a trial goes, in iterations and gap: its objective is then within about a thousandth of the least. Less
/// would flatter small weights: a trial that has not yet left the smooth volume it began with looks better than where
/// it is going.
const TRIAL: (u64, f64) = (250, 0.03);

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
    pub fn choose(&self, data: &Projections, grid: &Grid, run: &Run<'_>) -> Result<Choice> {
        let _threads = crate::tensors::Threads::for_tensors_of(data.as_slice().len().max(grid.voxels()));
        let mut tuning = Tuning { recipe: self, grid, run, problem: None, penalty: None, last: None };
        self.weight.choose(data, grid, run, &mut tuning)
    }

    /// The volume that minimises the objective, from the run's initial volume or zero (or the last trial's).
    ///
    /// # Errors
    /// As the problem's.
    pub fn reconstruct(&self, data: &Projections, grid: &Grid, run: &Run<'_>) -> Result<Reconstruction> {
        let _threads = crate::tensors::Threads::for_tensors_of(data.as_slice().len().max(grid.voxels()));
        let initial = run.initial.as_ref();
        let mut tuning = Tuning { recipe: self, grid, run, problem: None, penalty: None, last: None };
        let choice = self.weight.choose(data, grid, run, &mut tuning)?;
        let tried = tuning.last.take();
        let problem = Problem::new(data, grid, self.noise, run)?;
        let start = initial.map(|volume| problem.scaled(volume)).transpose()?.or(tried);
        let mut penalty = match tuning.penalty.take() {
            Some(mut penalty) => {
                penalty.reweight(choice.weight)?;
                penalty
            }
            None => (self.penalty)(choice.weight)?,
        };
        let solution = problem.solve(penalty.as_mut(), &self.effort, start.as_ref(), self.label)?;
        let mut made = problem.reconstruction(solution)?;
        made.notes.extend(choice.notes());
        Ok(made)
    }
}

/// Trial reconstructions, each from the last one's variables.
struct Tuning<'a> {
    recipe: &'a Recipe<'a>,
    grid: &'a Grid,
    run: &'a Run<'a>,
    problem: Option<Problem<'a>>,
    penalty: Option<Box<dyn Penalty>>,
    last: Option<Tensor>,
}

impl Trials for Tuning<'_> {
    fn prepare(&mut self, data: &Projections) -> Result<()> {
        self.problem = Some(Problem::new(data, self.grid, self.recipe.noise, self.run)?);
        self.penalty = None;
        self.last = None;
        Ok(())
    }

    fn solve(&mut self, weight: f64) -> Result<Volume> {
        let problem =
            self.problem.as_ref().ok_or_else(|| crate::error::Error::config("weight", "a trial before its data"))?;
        let mut penalty = match self.penalty.take() {
            Some(mut penalty) => {
                penalty.reweight(weight)?;
                penalty
            }
            None => (self.recipe.penalty)(weight)?,
        };
        let effort = Effort { iterations: TRIAL.0, tolerance: TRIAL.1, ..self.recipe.effort };
        let label = format!("{} with weight {weight:.1e}", self.recipe.label);
        let solution = problem.solve(penalty.as_mut(), &effort, self.last.as_ref(), &label)?;
        self.penalty = Some(penalty);
        let volume = problem.volume(&solution.x)?;
        self.last = Some(solution.x);
        Ok(volume)
    }
}
