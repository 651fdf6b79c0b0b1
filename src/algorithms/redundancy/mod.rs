//! Redundancy: how much of each ray counts where an orbit measures it twice, so that both together count once.
//!
//! The ray at source angle β (counted along the turn from the first view) and fan angle γ (signed along the turn's
//! tangent) is the ray (β + π − 2γ, −γ) from the other side. Weights of such a pair add to one; a parallel beam has γ =
//! 0.

mod offset_detector;
mod short_scan;

use super::filtered::Fan;
use crate::data::Orbit;
use crate::error::{Error, Result};
use std::f64::consts::{PI, TAU};

/// Weights of rays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Redundancy {
    /// Whole turns: every ray was measured equally often.
    Even {
        /// One over how often.
        weight: f64,
    },
    /// Whole turns with a detector that sees beyond the axis on one side only.
    Offset(offset_detector::Overlap),
    /// At least half a turn and the fan.
    Short(short_scan::Parker),
    /// Less: what was measured twice is shared, what was not measured is missing.
    Limited(short_scan::Shared),
}

impl Redundancy {
    /// What an orbit needs, seen by `fan`, for a volume that reaches `reach` radians from the central ray (mm from the
    /// axis for a parallel beam). `key` names the method in messages.
    ///
    /// # Errors
    /// An offset detector that truncates the volume without whole turns, or that does not see the axis.
    pub(super) fn of(orbit: &Orbit, fan: &Fan, reach: f64, key: &str) -> Result<Self> {
        let divergent = orbit.source_to_axis.is_some();
        let period = if divergent { TAU } else { PI };
        let [low, high] = fan.ends();
        let short = high.min(-low);
        let turns = orbit.arc / TAU;
        let whole = turns.round() >= 1.0 && (turns - turns.round()).abs() < 1e-6;
        // A parallel half turn measures every ray once, whatever the offset: what lies beyond the short side is just
        // truncated.
        let weighted = divergent || whole;
        let lopsided = weighted && (high + low).abs() > offset_detector::LOPSIDED * (high - low) && short < reach;
        if lopsided && !whole {
            let problem = format!(
                "the detector sees a part of the volume on one side of the axis only: this needs a full circle, and \
                 the arc is {:.1} degrees",
                orbit.arc.to_degrees()
            );
            return Err(Error::config(key, problem).hint("use arc_deg: 360, a wider detector, or an iterative method"));
        }
        if lopsided && short <= 0.0 {
            return Err(Error::config(
                key,
                "the detector does not see the axis of rotation: no ray through it is measured",
            )
            .hint("lower detector.offset_mm, or use an iterative method"));
        }
        if lopsided {
            return Ok(Self::Offset(offset_detector::Overlap {
                half: short,
                long_side: (high + low).signum(),
                turns: turns.round(),
            }));
        }
        let periods = orbit.arc / period;
        if periods.round() >= 1.0 && (periods - periods.round()).abs() < 1e-6 {
            return Ok(Self::Even { weight: PI / orbit.arc });
        }
        let fan_angle = if divergent { high.max(-low).min(reach) } else { 0.0 };
        if orbit.arc + 1e-9 >= PI + 2.0 * fan_angle {
            Ok(Self::Short(short_scan::Parker { margin: (orbit.arc - PI) / 2.0 }))
        } else {
            Ok(Self::Limited(short_scan::Shared { arc: orbit.arc, missing: PI + 2.0 * fan_angle - orbit.arc }))
        }
    }

    /// The weight of the ray at `beta` along the turn (radians) and `gamma` along its tangent (radians; mm from the
    /// central ray for a parallel beam); `side` is the same place counted along +u.
    pub(super) fn weight(&self, beta: f64, gamma: f64, side: f64) -> f64 {
        match self {
            Self::Even { weight } => *weight,
            Self::Offset(overlap) => overlap.weight(side),
            Self::Short(parker) => parker.weight(beta, gamma),
            Self::Limited(shared) => shared.weight(beta, gamma),
        }
    }

    /// +1 if a shifted detector sees farther along +u, -1 along -u.
    pub(super) fn long_side(&self) -> Option<f64> {
        if let Self::Offset(overlap) = self { Some(overlap.long_side) } else { None }
    }

    /// Radians of arc that are missing.
    pub(super) fn missing(&self) -> Option<f64> {
        if let Self::Limited(shared) = self { Some(shared.missing) } else { None }
    }
}
