//! The objective of a fit, in units of mu_ref, on the full grid and on the coarser grids that precede it.

use super::Config;
use crate::algorithms::weight::held_out::HeldOutViews;
use crate::algorithms::{Problem, Run};
use crate::data::{Grid, Projections, Volume, add, scale};
use crate::error::Result;
use crate::fields::Domain;
use crate::operators::xray::kernels::support::seen_support;
use crate::operators::{Weighted, norm_squared};
use crate::renderers::line_integral::Objective;
use crate::tensors::cuda::Card;
use crate::tensors::{indices, to_vec, torch_error};
use tch::{Device, Kind, Tensor};

/// Line integrals below this count as rays through air only (unitless; allows for noise).
const AIR: f32 = 0.02;

/// The data and objectives of a fit.
pub(super) struct FitProblem<'a> {
    /// The measurements of all views, held-out ones included.
    pub(super) measured: &'a Problem<'a>,
    pub(super) data: &'a Projections,
    pub(super) grid: &'a Grid,
    /// Attenuation of f = 1, 1/mm.
    pub(super) mu_ref: f64,
    /// The held-out views, if there are any.
    pub(super) held: Option<HeldOutViews>,
    /// For each grid the data step from which it is used and the objective on it, coarsest first; the last is the full
    /// grid.
    levels: Vec<(u64, Objective)>,
}

impl<'a> FitProblem<'a> {
    /// Builds the objectives; `weight` is the factor on the weights of the regularisers.
    pub(super) fn new(config: &Config, weight: f64, problem: &'a Problem<'a>, run: &Run<'_>) -> Result<Self> {
        let (data, grid) = (problem.projections()?, &problem.grid);
        let split = config.held_out.as_ref().map(|held| problem.split(held.every, 0)).transpose()?;
        let (seen, held) = match &split {
            Some([kept, out]) => (kept, Some(HeldOutViews::new(out, run.device)?)),
            None => (problem, None),
        };
        let support = config.support.then(|| seen_support(grid, &data.geometry, data.as_slice(), AIR));
        let full = Objective { scale: weight, ..objective(config, seen, support.as_deref(), run)? };
        let mut levels = Vec::new();
        let mut first = config.ramp_steps;
        for (i, steps) in config.coarse_steps.iter().enumerate() {
            let factor = 1 << (config.coarse_steps.len() - i);
            levels.push((if i == 0 { 0 } else { first }, coarser(&full, factor, support.as_deref())?));
            first += steps;
        }
        levels.push((if levels.is_empty() { 0 } else { first }, full));
        Ok(Self { measured: problem, data, grid, mu_ref: problem.unit(), held, levels })
    }

    /// The objective of data step `step`.
    pub(super) fn at(&self, step: u64) -> &Objective {
        let level = self.levels.iter().rev().find(|(first, _)| step >= *first).unwrap_or(&self.levels[0]);
        &level.1
    }

    /// The objective on the full grid.
    pub(super) fn full(&self) -> &Objective {
        &self.levels[self.levels.len() - 1].1
    }

    /// Sets the seed of all levels.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.levels.iter_mut().for_each(|(_, objective)| objective.seed = seed);
    }

    /// 1 at the voxels of the support, 0 elsewhere; empty if it is the whole grid.
    pub(super) fn members(&self) -> Result<Vec<f32>> {
        let support = &self.full().support;
        if support.numel() == self.grid.voxels() {
            return Ok(Vec::new());
        }
        let ones = Tensor::f_ones([support.numel() as i64], self.full().options).map_err(torch_error)?;
        to_vec(&Tensor::zeros([self.grid.voxels() as i64], self.full().options).index_copy(0, support, &ones))
    }

    /// A volume filled with zeros (air).
    pub(super) fn air(&self) -> Volume {
        Volume::filled(self.grid.clone(), crate::data::Quantity::Attenuation, 0.0)
    }
}

fn objective(config: &Config, problem: &Problem<'_>, support: Option<&[bool]>, run: &Run<'_>) -> Result<Objective> {
    let (mut operator, grid) = (problem.operator(run.device)?, &problem.grid);
    let integrals = problem.values(run.device)?;
    let weights = config.noise.as_ref().map(|noise| noise.weights(&integrals)).transpose()?;
    if let Some(weights) = &weights {
        operator = Box::new(Weighted { operator, factors: weights.sqrt() });
    }
    Ok(Objective {
        grid: grid.clone(),
        geometry: problem.projections()?.geometry.clone(),
        sampling: problem.sampling(),
        data: integrals / problem.unit(),
        weights,
        norm_squared: norm_squared(operator.as_ref(), run.device, 15)?,
        finer: problem.lattice as f64,
        scale: 1.0,
        tv: config.tv,
        regularizers: config.regularizers.iter().map(|entry| entry.kind.clone()).collect(),
        support: numbers(support, grid.voxels(), run.device)?,
        chunk: chunk(config, grid, run.device)?,
        seed: run.seed,
        options: (Kind::Float, run.device),
    })
}

/// Maximum number of points that a GPU evaluates at once; more would not be faster.
const MOST_ON_CARD: usize = 1 << 20;

/// Number of points evaluated at once: that of the configuration; on a GPU, which few points would leave idle, as many
/// as a quarter of its free memory holds if that is more.
fn chunk(config: &Config, grid: &Grid, device: Device) -> Result<usize> {
    let Some(card) = Card::of(device)? else { return Ok(config.chunk) };
    let bytes = config.field.kind.as_part().cost(&Domain::of(grid)).bytes.max(1) as usize;
    let (free, _) = card.memory()?;
    Ok((free / 4 / bytes).min(MOST_ON_CARD).max(config.chunk))
}

/// Indices (int64) of the voxels within the support, or of all voxels if there is none.
fn numbers(support: Option<&[bool]>, voxels: usize, device: Device) -> Result<Tensor> {
    let inside: Vec<usize> = (0..voxels).filter(|&n| support.is_none_or(|support| support[n])).collect();
    indices(&inside, device)
}

/// The same objective on voxels about `factor` times as long.
///
/// The leading singular vector of A is smooth, so ‖A‖² is proportional to 1 / (number of voxels).
fn coarser(full: &Objective, factor: usize, support: Option<&[bool]>) -> Result<Objective> {
    let fine = &full.grid;
    let shape = std::array::from_fn(|k| if fine.shape[k] == 1 { 1 } else { fine.shape[k].div_ceil(factor).max(2) });
    let ratio: [f64; 3] = std::array::from_fn(|k| fine.shape[k] as f64 / shape[k] as f64);
    let spacing: [f64; 3] = std::array::from_fn(|k| fine.spacing[k] * ratio[k]);
    let origin =
        (0..3).fold(fine.center(), |at, k| add(at, scale(fine.axes[k], -spacing[k] * (shape[k] as f64 - 1.0) / 2.0)));
    let grid = Grid::new(shape, spacing, origin, fine.axes)?;
    let members = support.map(|support| coarser_support(support, fine.shape, shape, ratio));
    Ok(Objective {
        norm_squared: full.norm_squared * fine.voxels() as f64 / grid.voxels() as f64,
        finer: full.finer / factor as f64,
        support: numbers(members.as_deref(), grid.voxels(), full.options.1)?,
        geometry: full.geometry.clone(),
        data: full.data.shallow_clone(),
        weights: full.weights.as_ref().map(Tensor::shallow_clone),
        regularizers: full.regularizers.clone(),
        grid,
        ..*full
    })
}

/// The support on a grid of the shape `shape`, whose voxels are `ratio` times as long as those of `fine`: the voxels
/// with the centre of a voxel of the fine support.
fn coarser_support(support: &[bool], fine: [usize; 3], shape: [usize; 3], ratio: [f64; 3]) -> Vec<bool> {
    let mut coarse = vec![false; shape.iter().product()];
    for (n, _) in support.iter().enumerate().filter(|(_, inside)| **inside) {
        let at = [n / (fine[1] * fine[2]), n / fine[2] % fine[1], n % fine[2]];
        let [z, y, x] = std::array::from_fn(|k| (((at[k] as f64 + 0.5) / ratio[k]) as usize).min(shape[k] - 1));
        coarse[(z * shape[1] + y) * shape[2] + x] = true;
    }
    coarse
}
