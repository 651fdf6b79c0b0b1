//! Coarse search before Gauss–Newton: one parameter after the other, over its whole range.

use super::newton::{square, steps};
use super::parameter::{Parameter, Values};
use super::small::Small;
use crate::data::Geometry;
use crate::error::Result;
use crate::progress::StopSignal;

/// Number of positions of the axis that are tried on each side.
const TRIES: i32 = 8;
/// Offsets of the other parameters that are tried on each side, in the steps of [`steps`].
const PLACES: [f64; 2] = [4.0, 10.0];

/// The best of a few values of each parameter; all begin at 0.
///
/// # Errors
/// Too little memory, or a stop.
pub(crate) fn searched(
    small: &Small,
    geometry: &Geometry,
    chosen: &[Parameter],
    stop: &dyn StopSignal,
) -> Result<Values> {
    let [_, rows, columns] = geometry.shape();
    let views = small.views(false);
    let h = steps(small, geometry);
    let left = |values: &Values| -> Result<f64> {
        stop.check_stop()?;
        Ok(square(&small.left(&small.volume(&views, values, &[])?, &views, values, &[])))
    };
    let mut best = ([0.0; 6], left(&[0.0; 6])?);
    for (k, parameter) in Parameter::STEADY.iter().enumerate().filter(|(_, parameter)| chosen.contains(parameter)) {
        let reach = parameter.reach([rows, columns]);
        let places: Vec<f64> = if *parameter == Parameter::Center {
            (-TRIES..=TRIES).map(|i| reach * f64::from(i) / f64::from(TRIES)).collect()
        } else {
            PLACES.iter().flat_map(|n| [-n * h[k], n * h[k]]).filter(|x| x.abs() <= reach).collect()
        };
        let from = best.0;
        for place in places {
            let mut values = from;
            values[k] = place;
            let found = left(&values)?;
            if found < best.1 {
                best = (values, found);
            }
        }
    }
    Ok(best.0)
}
