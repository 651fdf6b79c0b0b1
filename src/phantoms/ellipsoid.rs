//! Solid ellipsoid: the 3-D Shepp-Logan phantom is a sum of these.

use super::angles::Angles;
use super::body::{Body, Shape};
use super::quadric::Quadric;
use super::{finite, positive};
use crate::data::{Point, scale};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `ellipsoid: {center, semi_axes, rotation_deg, density}`; lengths in the phantom's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Centre [x, y, z]; default the origin.
    #[serde(default)]
    pub center: Point,
    /// Semi-axes along the body's own x, y and z axes.
    pub semi_axes: Point,
    /// Orientation in degrees: one angle about z, or Euler angles [phi, theta, psi]; default 0.
    #[serde(default)]
    pub rotation_deg: Angles,
    /// Attenuation relative to water (water is 1).
    pub density: f64,
}

impl Shape for Config {
    fn dimension(&self) -> u8 {
        3
    }

    fn density(&self) -> f64 {
        self.density
    }

    fn check(&self) -> Result<()> {
        finite("center", &self.center)?;
        positive("semi_axes", &self.semi_axes)?;
        finite("rotation_deg", &self.rotation_deg.0)?;
        finite("density", &[self.density])
    }

    fn body(&self, unit_mm: f64) -> Box<dyn Body> {
        let (center, semi_axes) = (scale(self.center, unit_mm), scale(self.semi_axes, unit_mm));
        Box::new(Quadric::ellipsoid(center, semi_axes, self.rotation_deg.matrix()))
    }
}
