//! Redundancy: how much of each ray counts where an orbit measures it twice, so that both together count once.
//!
//! The ray at source angle β (counted from the first angle of the arc, growing) and fan angle γ (along +u) is the ray
//! (β + π − 2γ, −γ) from the other side. Weights of such a pair add to one; a parallel beam has γ = 0. The arc is the
//! one that the views' angles cover, in whatever order they come ([`AngularSweep`]).

mod offset_detector;
mod short_scan;

use super::fan::Fan;
use crate::data::{AngularSweep, Orbit, Warning};
use crate::error::{Error, Result};
use std::f64::consts::{PI, TAU};

/// Weights of views and rays.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Redundancy {
    /// What the views' angles cover, and how much of it each stands for.
    pub(super) sweep: AngularSweep,
    kind: Kind,
    divergent: bool,
}

/// Weights of rays.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// All the way round: every ray was measured equally often.
    Even {
        /// One over how often.
        weight: f64,
    },
    /// All the way round with a detector that sees beyond the axis on one side only.
    Offset(offset_detector::Overlap),
    /// At least half a turn and the fan.
    Short(short_scan::Parker),
    /// Less: what was measured twice is shared, what was not measured is missing.
    Limited(short_scan::Shared),
}

impl Redundancy {
    /// What an orbit needs, seen by `fan`, for a volume that reaches `reach` radians from the central ray (mm from the
    /// axis for a parallel beam).
    ///
    /// # Errors
    /// An offset detector that truncates the volume without a whole turn, or that does not see the axis.
    pub(super) fn of(orbit: &Orbit, fan: &Fan, reach: f64) -> Result<Self> {
        let divergent = orbit.source_to_axis.is_some();
        let [low, high] = fan.ends();
        let short = high.min(-low);
        let turn = AngularSweep::of(&orbit.angles, TAU);
        // A parallel half turn measures every ray once, whatever the offset: what lies beyond the short side is just
        // truncated.
        let lopsided = (divergent || turn.closed)
            && (high + low).abs() > offset_detector::LOPSIDED * (high - low)
            && short < reach;
        if lopsided {
            offset_is_possible(&turn, short)?;
            let overlap = offset_detector::Overlap { half: short, long_side: (high + low).signum() };
            return Ok(Self { sweep: turn, kind: Kind::Offset(overlap), divergent });
        }
        let fan_angle = if divergent { high.max(-low).min(reach) } else { 0.0 };
        let sweep = if divergent { turn } else { AngularSweep::of(&orbit.angles, PI) };
        // The opposite rays stand in for views missing in a wide gap.
        let spared = divergent && sweep.gaping && TAU - sweep.gap >= PI + 2.0 * fan_angle;
        let sweep = if spared { sweep.opened(TAU) } else { sweep };
        let arc = sweep.arc;
        let kind = if sweep.closed {
            Kind::Even { weight: if divergent { 0.5 } else { 1.0 } }
        } else if arc + 1e-9 >= PI + 2.0 * fan_angle {
            Kind::Short(short_scan::Parker { margin: (arc - PI) / 2.0 })
        } else {
            Kind::Limited(short_scan::Shared { arc, missing: PI + 2.0 * fan_angle - arc })
        };
        Ok(Self { sweep, kind, divergent })
    }

    /// The weight of the ray at `beta` along the arc (radians) and at `side` along +u (radians; mm from the central ray
    /// for a parallel beam).
    pub(super) fn weight(&self, beta: f64, side: f64) -> f64 {
        let gamma = if self.divergent { side } else { 0.0 };
        match &self.kind {
            Kind::Even { weight } => *weight,
            Kind::Offset(overlap) => overlap.weight(side),
            Kind::Short(parker) => parker.weight(beta, gamma),
            Kind::Limited(shared) => shared.weight(beta, gamma),
        }
    }

    /// +1 if a shifted detector sees farther along +u, -1 along -u.
    pub(super) fn long_side(&self) -> Option<f64> {
        if let Kind::Offset(overlap) = &self.kind { Some(overlap.long_side) } else { None }
    }

    /// What the angles do not cover.
    pub(super) fn warning(&self, method: &str) -> Option<Warning> {
        if let Kind::Limited(shared) = &self.kind {
            let message = format!(
                "{method}: the arc is {:.1} degrees short of a short scan; what it does not see is smeared",
                shared.missing.to_degrees()
            );
            return Some(Warning::new("limited_arc", message));
        }
        (self.sweep.closed && self.sweep.gaping).then(|| {
            let message = format!(
                "{method}: views are missing in a gap of {:.1} degrees; the views beside it stand in for them",
                self.sweep.gap.to_degrees()
            );
            Warning::new("angular_gap", message)
        })
    }
}

/// Refuses an offset detector whose short side (its end at `short` from the central ray) is not seen from the other
/// side.
fn offset_is_possible(turn: &AngularSweep, short: f64) -> Result<()> {
    if !turn.closed {
        let problem = format!(
            "the detector sees a part of the volume on one side of the axis only: this needs a full circle of \
             views, and between them is a gap of {:.1} degrees",
            turn.gap.to_degrees()
        );
        return Err(Error::config("", problem).hint("use arc_deg: 360, a wider detector, or an iterative method"));
    }
    if short <= 0.0 {
        let problem = "the detector does not see the axis of rotation: no ray through it is measured";
        return Err(Error::config("", problem).hint("lower detector.offset_mm, or use an iterative method"));
    }
    Ok(())
}
