//! Interpolation from grids of features on a GPU.

use super::HASH_GRID;
use crate::error::Result;
use crate::fields::kernels::levels::{Level, Levels};
use crate::tensors::cuda::{Argument, Card, Kernel};
use crate::tensors::torch_error;
use tch::{Kind, Tensor};

const GATHER: Kernel = Kernel { source: &HASH_GRID, name: "hash_gather" };
const SCATTER: Kernel = Kernel { source: &HASH_GRID, name: "hash_scatter" };
const SETTLE: Kernel = Kernel { source: &HASH_GRID, name: "hash_settle" };

/// Number of 8-byte values in a `Level` of `hash_grid.cu`.
const NUMBERS: usize = 11;

/// [`Levels::gather`] on a GPU: features `[n, width]` of points `[n, inputs]` from a table `[rows, features]`.
pub(in crate::fields) fn gather(card: &Card, levels: &Levels, table: &Tensor, points: &Tensor) -> Result<Tensor> {
    let count = points.size()[0];
    let options = (Kind::Float, card.device());
    let out = Tensor::f_empty([count, levels.width() as i64], options).map_err(torch_error)?;
    let held = table_of(levels, card)?;
    let mut arguments = sizes(levels, &held, count, card)?;
    for tensor in [table, points, &out] {
        arguments.push(Argument::memory(tensor, card.device())?);
    }
    card.launch(&GATHER, count as usize * levels.levels.len(), &arguments)?;
    Ok(out)
}

/// [`Levels::scatter`] on a GPU: adds the gradient for slopes `[n, width]` at points `[n, inputs]` to `gradient`
/// `[rows, features]`. The sums are integers: the same bits whatever the order of the threads.
pub(in crate::fields) fn scatter(
    card: &Card,
    levels: &Levels,
    slopes: &Tensor,
    points: &Tensor,
    gradient: &Tensor,
) -> Result<()> {
    let (count, device) = (points.size()[0], card.device());
    let numbers = levels.rows() * levels.features;
    let prepare = || Ok((slopes.f_abs()?.f_max()?, Tensor::f_zeros([numbers as i64], (Kind::Int64, device))?));
    let (largest, sums) = prepare().map_err(torch_error)?;
    let held = table_of(levels, card)?;
    let mut arguments = sizes(levels, &held, count, card)?;
    for tensor in [slopes, points, &largest, &sums] {
        arguments.push(Argument::memory(tensor, device)?);
    }
    card.launch(&SCATTER, count as usize * levels.levels.len(), &arguments)?;
    let mut arguments = vec![Argument::whole(numbers), Argument::whole(count as usize)];
    for tensor in [&largest, &sums, gradient] {
        arguments.push(Argument::memory(tensor, device)?);
    }
    card.launch(&SETTLE, numbers, &arguments)
}

fn sizes(levels: &Levels, held: &Tensor, count: i64, card: &Card) -> Result<Vec<Argument>> {
    let numbers = [levels.levels.len(), levels.inputs, levels.features, count as usize];
    let table = Argument::records("Level*", held, card.device())?;
    Ok(std::iter::once(table).chain(numbers.map(Argument::whole)).collect())
}

/// The levels as an array of the structure `Level` in GPU memory.
fn table_of(levels: &Levels, card: &Card) -> Result<Tensor> {
    let numbers: Vec<i64> = levels.levels.iter().flat_map(level_numbers).collect();
    Tensor::f_from_slice(&numbers).and_then(|table| table.f_to_device(card.device())).map_err(torch_error)
}

fn level_numbers(level: &Level) -> [i64; NUMBERS] {
    let padded = |list: &[usize], k: usize| list.get(k).map_or(0, |&value| value as i64);
    let mut numbers = [0; NUMBERS];
    numbers[0] = level.axes.len() as i64;
    for k in 0..3 {
        (numbers[1 + k], numbers[4 + k]) = (padded(&level.axes, k), padded(&level.nodes, k));
    }
    numbers[7..10].copy_from_slice(&[level.first as i64, level.rows as i64, i64::from(level.hashed)]);
    // A double, passed as the integer with the same bits.
    numbers[10] = f64::from(level.scale).to_bits().cast_signed();
    numbers
}
