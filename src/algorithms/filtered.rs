//! What the filtered backprojections share: their keys and the weights of the views.

use crate::data::{Geometry, Grid, Orbit, Projections, Quantity, Volume};
use crate::error::{Error, Result};
use crate::projectors::kernels::backproject;
use crate::projectors::kernels::filter::{Filter, cosine_weights, ramp_rows};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The filter of a filtered backprojection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filtering {
    /// Window on the ramp: ram-lak (none), shepp-logan, cosine, hamming or hann.
    pub filter: Filter,
    /// Highest frequency kept, as a part of the detector's Nyquist frequency.
    pub cutoff: f64,
    /// Negative attenuation is set to zero.
    pub nonnegative: bool,
}

impl Default for Filtering {
    fn default() -> Self {
        Self { filter: Filter::RamLak, cutoff: 1.0, nonnegative: false }
    }
}

impl Filtering {
    pub(super) fn check(&self, key: &str) -> Result<()> {
        if self.cutoff > 0.0 && self.cutoff <= 1.0 {
            return Ok(());
        }
        Err(Error::config(format!("{key}.cutoff"), format!("expected above 0 and at most 1, got {}", self.cutoff)))
    }

    /// Weights, filters and backprojects; `pitch` is that of a column seen at the axis of rotation, mm.
    pub(super) fn apply(&self, data: &Projections, grid: &Grid, weights: &[f64], pitch: f64) -> Result<Volume> {
        let geometry = &data.geometry;
        let mut rows = data.as_slice().to_vec();
        cosine_weights(geometry, &mut rows);
        for (view, weight) in rows.chunks_exact_mut(geometry.detector.rows * geometry.detector.columns).zip(weights) {
            view.iter_mut().for_each(|value| *value *= *weight as f32);
        }
        ramp_rows(&mut rows, geometry.detector.columns, pitch, self.filter, self.cutoff);
        let mut values = vec![0.0; grid.voxels()];
        if geometry.orbit.as_ref().is_some_and(|orbit| orbit.source_to_axis.is_some()) {
            backproject::fdk(grid, geometry, &rows, &mut values);
        } else {
            backproject::parallel(grid, geometry, &rows, &mut values);
        }
        if self.nonnegative {
            values.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        Volume::from_vec(grid.clone(), Quantity::Attenuation, values)
    }
}

/// The orbit behind the views, which an analytic method needs.
pub(super) fn orbit<'a>(geometry: &'a Geometry, key: &str) -> Result<&'a Orbit> {
    geometry.orbit.as_ref().ok_or_else(|| {
        Error::config(key, "needs a circular orbit, and this scan only has per-view poses")
            .hint("use an iterative method or a neural field")
    })
}

/// Turns that the views cover, in units of `period` (π for parallel, 2π for divergent rays): `Some(n)` for whole ones.
pub(super) fn whole_turns(orbit: &Orbit, period: f64) -> Option<f64> {
    let turns = orbit.arc / period;
    (turns.round() >= 1.0 && (turns - turns.round()).abs() < 1e-6).then(|| turns.round())
}

/// Quadrature weights of the views (radians): equal over whole turns, divided by how often each ray is then measured;
/// the trapezoid rule over any other arc, each of whose rays counts once.
pub(super) fn view_weights(orbit: &Orbit, period: f64) -> Vec<f64> {
    let angles = &orbit.angles;
    if let Some(turns) = whole_turns(orbit, period) {
        return vec![orbit.arc / turns * (PI / period) / angles.len() as f64; angles.len()];
    }
    let gap = |a: usize, b: usize| (angles[b] - angles[a]).abs() / 2.0;
    let last = angles.len() - 1;
    (0..=last).map(|i| if last == 0 { orbit.arc } else { gap(i.saturating_sub(1), i) + gap(i, (i + 1).min(last)) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orbit_of(angles: Vec<f64>, arc: f64) -> Orbit {
        Orbit { isocenter: [0.0; 3], angles, arc, source_to_axis: None, source_to_detector: None, offset: [0.0; 2] }
    }

    #[test]
    fn weights_sum_to_half_a_turn_over_whole_turns_and_to_the_arc_otherwise() {
        let spread =
            |views: usize, arc: f64, closed: bool| (0..views).map(|i| arc * i as f64 / (views - usize::from(closed)) as f64).collect();
        let sum = |orbit: &Orbit, period| view_weights(orbit, period).iter().sum::<f64>();
        assert!((sum(&orbit_of(spread(10, PI, false), PI), PI) - PI).abs() < 1e-12);
        assert!((sum(&orbit_of(spread(10, 2.0 * PI, false), 2.0 * PI), PI) - PI).abs() < 1e-12);
        assert!((sum(&orbit_of(spread(10, 2.0 * PI, false), 2.0 * PI), 2.0 * PI) - PI).abs() < 1e-12);
        assert!((sum(&orbit_of(spread(10, 2.0, true), 2.0), PI) - 2.0).abs() < 1e-12);
    }
}
