//! Redundancy weights: rays that an orbit measures twice are weighted so that both measurements together count once.
//!
//! The ray at source angle β (from the first angle of the arc, growing) and fan angle γ (along +u) is the same line as
//! the ray (β + π − 2γ, −γ) from the other side. The weights of such a pair add to one; for a parallel beam γ = 0. The
//! arc is the range that the angles of the views cover, in any order ([`AngularSweep`]).

mod offset_detector;
mod short_scan;

use super::fan::Fan;
use crate::data::{AngularSweep, Orbit, Warning};
use crate::error::{Error, Result};
use std::f64::consts::{PI, TAU};

/// Angular steps of the views and redundancy weights of the rays.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Redundancy {
    /// The arc that the views cover, and the angular step of each view.
    pub(super) sweep: AngularSweep,
    kind: Kind,
    divergent: bool,
}

/// Scheme of redundancy weights.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Closed orbit: every ray is measured equally often.
    Even {
        /// One over the number of measurements of each ray.
        weight: f64,
    },
    /// Full circle with a detector shifted sideways, so that it covers the volume on one side of the axis only.
    Offset(offset_detector::Overlap),
    /// Short scan: at least half a turn plus the full fan angle.
    Short(short_scan::Parker),
    /// Limited arc, shorter than a short scan: rays measured twice share their weight, unmeasured rays are missing.
    Limited(short_scan::Shared),
}

impl Kind {
    /// The scheme for a detector that sees the volume on both sides of the axis, by the arc that the views cover.
    fn centered(sweep: &AngularSweep, fan_angle: f64, divergent: bool) -> Self {
        let arc = sweep.arc;
        if sweep.closed {
            Self::Even { weight: if divergent { 0.5 } else { 1.0 } }
        } else if arc + 1e-9 >= PI + 2.0 * fan_angle {
            Self::Short(short_scan::Parker { margin: (arc - PI) / 2.0 })
        } else {
            Self::Limited(short_scan::Shared { arc, missing: PI + 2.0 * fan_angle - arc })
        }
    }
}

impl Redundancy {
    /// The weights for an orbit with the detector `fan`, for a volume that extends to `reach` radians from the central
    /// ray (mm from the axis for a parallel beam).
    ///
    /// # Errors
    /// An offset detector that truncates the volume on one side without a full circle, or that does not see the axis.
    pub(super) fn of(orbit: &Orbit, fan: &Fan, reach: f64) -> Result<Self> {
        let divergent = orbit.source_to_axis.is_some();
        let [low, high] = fan.ends();
        let short = high.min(-low);
        let turn = AngularSweep::of(&orbit.angles, TAU);
        // A half turn of a parallel beam measures every ray once at any offset: the volume beyond the short side is
        // merely truncated.
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
        // In a wide gap the opposite rays replace those of the missing views.
        let spared = divergent && sweep.gaping && TAU - sweep.gap >= PI + 2.0 * fan_angle;
        let sweep = if spared { sweep.opened(TAU) } else { sweep };
        let kind = Kind::centered(&sweep, fan_angle, divergent);
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

    /// +1 if a shifted detector extends farther along +u, -1 along -u; `None` if it is not shifted.
    pub(super) fn long_side(&self) -> Option<f64> {
        if let Kind::Offset(overlap) = &self.kind { Some(overlap.long_side) } else { None }
    }

    /// A warning if views are missing from the arc.
    pub(super) fn warning(&self, method: &str) -> Option<Warning> {
        if let Kind::Limited(shared) = &self.kind {
            let message = format!(
                "{method}: the arc is {:.1} degrees short of a short scan; structures that it does not measure are \
                 smeared",
                shared.missing.to_degrees()
            );
            return Some(Warning::new("limited_arc", message));
        }
        (self.sweep.closed && self.sweep.gaping).then(|| {
            let message = format!(
                "{method}: views are missing in a gap of {:.1} degrees; their neighbours are weighted more",
                self.sweep.gap.to_degrees()
            );
            Warning::new("angular_gap", message)
        })
    }
}

/// Refuses an offset detector (whose short side ends at `short` from the central ray) if the rays missing on that side
/// are not measured from the opposite side.
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
