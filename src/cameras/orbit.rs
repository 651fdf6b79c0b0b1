//! Cameras on a circle about the z axis, as on a turntable.

use super::{Directions, check_views};
use crate::data::Point;
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `orbit: {views, elevation_deg, start_deg, arc_deg}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of training pictures, 1 to 10000.
    pub views: usize,
    /// Elevation of the cameras above the plane through the object's centre, degrees, −89 to 89.
    pub elevation_deg: f64,
    /// Angle of the first camera from +x (patient left) towards +y (posterior), degrees.
    pub start_deg: f64,
    /// Arc that the cameras cover, degrees, not 0: with less than 360 the cameras reach both ends; with 360 they are
    /// equally spaced over the circle.
    pub arc_deg: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { views: 40, elevation_deg: 20.0, start_deg: 0.0, arc_deg: 360.0 }
    }
}

impl Config {
    /// The unit vector at the fraction `part` of the arc.
    #[must_use]
    pub fn at(&self, part: f64) -> Point {
        let (sin, cos) = (self.start_deg + self.arc_deg * part).to_radians().sin_cos();
        let (high, out) = self.elevation_deg.to_radians().sin_cos();
        [out * cos, out * sin, high]
    }

    /// Number of gaps between neighbouring training cameras.
    fn gaps(&self) -> usize {
        if self.arc_deg.abs() >= 360.0 { self.views } else { self.views.max(2) - 1 }
    }

    fn step(&self) -> f64 {
        1.0 / self.gaps() as f64
    }
}

impl Directions for Config {
    fn check(&self) -> Result<()> {
        if !(-89.0..=89.0).contains(&self.elevation_deg) {
            let problem = format!("expected -89 to 89 degrees, got {}", self.elevation_deg);
            return Err(Error::config("orbit.elevation_deg", problem));
        }
        if !(self.start_deg.is_finite() && self.arc_deg.is_finite() && self.arc_deg != 0.0) {
            return Err(Error::config("orbit.arc_deg", format!("expected an arc in degrees, got {}", self.arc_deg)));
        }
        check_views("orbit", self.views)
    }

    fn views(&self) -> usize {
        self.views
    }

    fn training(&self, _: u64) -> Vec<Point> {
        (0..self.views).map(|i| self.at(i as f64 * self.step())).collect()
    }

    /// Cameras halfway between two training cameras, distributed over the arc.
    fn held_out(&self, count: usize, _: u64) -> Vec<Point> {
        let gap = |i: usize| (i * self.gaps() / count.max(1)) as f64;
        (0..count).map(|i| self.at((gap(i) + 0.5) * self.step())).collect()
    }
}
