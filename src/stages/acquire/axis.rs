//! Search for the axis of rotation: the detector column at which a quick reconstruction explains the data best. The
//! search is coarse over the middle of the detector, then finer, down to a tenth of a pixel.

use super::layout::MeasuredLayout;
use super::trial::Trial;
use crate::error::Result;
use crate::geometries::GeometryKind;
use crate::registry::OneOf;
use ndarray::Array3;

/// Largest number of columns of the coarse and of the fine trial.
pub(super) const COLUMNS: [usize; 2] = [96, 192];
/// The axis is searched within this distance of its given position, as a fraction of the detector's width.
const REACH: f64 = 0.2;
/// Number of columns tried on each side in the coarse search.
const TRIES: i32 = 8;
/// Largest number of steps of one refinement: where the residual hardly depends on the column, more steps gain nothing.
const STEPS: usize = 12;
/// Step at which the search ends, columns of the data.
const FINEST: f64 = 0.1;

/// Result of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// Column of the data on which the axis falls.
    pub(super) column: f64,
    /// Residual of the trial at that column.
    pub(super) residual: f64,
    /// Residual of the trial at the given column.
    pub(super) before: f64,
}

/// The column with the smallest residual, searched around `from`.
///
/// # Errors
/// A kind of scan that cannot be reduced to one slice, or no row in the plane of the source.
pub(super) fn find(
    integrals: &Array3<f32>,
    layout: &MeasuredLayout,
    kind: &OneOf<GeometryKind>,
    from: f64,
) -> Result<Found> {
    let width = integrals.shape()[2] as f64;
    let coarse = Trial::new(integrals, layout, kind, COLUMNS[0])?;
    let fine = Trial::new(integrals, layout, kind, COLUMNS[1])?;
    let reach = REACH * width / f64::from(TRIES);
    let tries = (-TRIES..=TRIES).map(|i| from + f64::from(i) * reach);
    let mut best = (from, coarse.residual(from, false)?);
    for column in tries {
        best = better(best, column, &coarse)?;
    }
    best = refine(best, reach / 2.0, width / COLUMNS[0] as f64 / 2.0, &coarse)?;
    let start = (best.0, fine.residual(best.0, false)?);
    let (column, residual) = refine(start, (width / COLUMNS[0] as f64 / 2.0).max(1.0), FINEST, &fine)?;
    Ok(Found { column, residual, before: fine.residual(from, false)? })
}

/// The better of two columns. Columns near the ends of the detector are skipped, because the trial has no field of view
/// there.
fn better(best: (f64, f64), column: f64, trial: &Trial) -> Result<(f64, f64)> {
    if !(0.05 * trial.width()..0.95 * trial.width()).contains(&column) {
        return Ok(best);
    }
    let residual = trial.residual(column, false)?;
    Ok(if residual < best.1 { (column, residual) } else { best })
}

/// Moves to the better neighbour at distance `step`; halves the step when neither neighbour is better.
fn refine(mut best: (f64, f64), mut step: f64, finest: f64, trial: &Trial) -> Result<(f64, f64)> {
    for _ in 0..STEPS {
        if step < finest {
            break;
        }
        let before = best.0;
        for column in [before - step, before + step] {
            best = better(best, column, trial)?;
        }
        if best.0 == before {
            step /= 2.0;
        }
    }
    Ok(best)
}
