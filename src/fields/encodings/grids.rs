//! Encoders that interpolate features from a trained table.

use super::{Built, Encoder};
use crate::error::{Error, Result};
use crate::fields::Role;
use crate::fields::interpolation::interpolate;
use crate::fields::kernels::levels::Levels;
use crate::fields::layers::uniform;
use crate::random::stream;
use crate::require;
use tch::{Device, Kind, TchError, Tensor};

/// Largest number of values in a table: 4 GiB as f32, and four times that with the gradient and Adam's moments.
const MOST: usize = 1 << 30;

#[derive(Debug)]
struct Grids {
    levels: Levels,
    /// `[rows, features]`.
    table: Tensor,
}

impl Encoder for Grids {
    fn encode(&self, points: &Tensor) -> std::result::Result<Tensor, TchError> {
        interpolate(&self.levels, &self.table, points)
    }

    fn table(&self) -> Option<(&Levels, &Tensor)> {
        Some((&self.levels, &self.table))
    }
}

/// The table `[rows, features]` with initial values U(−bound, bound).
pub(super) fn table(
    levels: &Levels,
    bound: f64,
    seed: u64,
    options: (Kind, Device),
) -> Result<crate::fields::Parameter> {
    let mut random = stream(seed, "encoding table", 0);
    uniform("table".to_string(), &[levels.rows(), levels.features], bound, Role::Table, &mut random, options)
}

/// The encoder for these grids, with initial features U(−bound, bound).
pub(super) fn build(levels: Levels, bound: f64, seed: u64, options: (Kind, Device)) -> Result<Built> {
    let parameter = table(&levels, bound, seed, options)?;
    Ok(Built {
        encoder: Box::new(Grids { table: parameter.value.shallow_clone(), levels }),
        parameters: vec![parameter],
    })
}

/// Refuses a number of features outside 1 to 64, and tables that are too large for the memory.
pub(super) fn check(levels: &Levels) -> Result<()> {
    require::within("features", levels.features, 1..=64)?;
    let numbers = levels.rows().saturating_mul(levels.features);
    if numbers > MOST {
        return Err(Error::config("", format!("expected at most {MOST} numbers in the table, got {numbers}"))
            .hint("lower its resolution"));
    }
    Ok(())
}

/// A grid of `cells` cells per side over the box [−1, 1]^axes: the number of nodes along each axis, and the cells per
/// unit of the coordinates.
pub(super) fn over_the_box(cells: usize, axes: usize) -> (Vec<usize>, f32) {
    (vec![cells + 1; axes], cells as f32 / 2.0)
}
