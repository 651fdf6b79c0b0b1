//! [`View`]: one exposure of a scan as plain vectors.

use super::vectors::{Point, cross, dot, norm, sub};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Origin of the rays of a view.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Position of the focal spot (fan and cone beam), world mm.
    Point(Point),
    /// Direction along which all rays travel (parallel beam), a unit vector.
    Direction(Point),
}

/// One exposure: source, detector position and pixel vectors, world mm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Origin of the rays.
    pub source: Source,
    /// World position of the detector's centre, index ((rows − 1)/2, (columns − 1)/2), mm.
    pub center: Point,
    /// Vector from one column to the next, mm.
    pub u: Point,
    /// Vector from one row to the next, mm.
    pub v: Point,
}

impl View {
    /// Checks that the vectors define rays that meet the detector.
    pub(super) fn check(&self) -> Result<()> {
        let fault = |problem: String| Err(Error::config("", problem));
        let vectors = match self.source {
            Source::Point(p) | Source::Direction(p) => [p, self.center, self.u, self.v],
        };
        if vectors.iter().flatten().any(|x| !x.is_finite()) {
            return fault(format!("expected finite vectors, got {self:?}"));
        }
        let normal = cross(self.u, self.v);
        let area = norm(self.u) * norm(self.v);
        if area <= 0.0 || norm(normal) < 1e-6 * area {
            return fault(format!("expected two independent pixel vectors, got u {:?} and v {:?} mm", self.u, self.v));
        }
        let (arm, name) = match self.source {
            Source::Point(source) => (sub(self.center, source), "a source off the detector plane"),
            Source::Direction(direction) => (direction, "rays that are not parallel to the detector"),
        };
        if norm(arm) <= 0.0 || (dot(arm, normal) / (norm(arm) * norm(normal))).abs() < 1e-6 {
            return fault(format!(
                "expected {name}, got source {:?} and detector centre {:?}",
                self.source, self.center
            ));
        }
        Ok(())
    }
}
