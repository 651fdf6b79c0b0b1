//! Solid box (3-D), such as a bar of a resolution pattern.

use super::angles::Angles;
use super::body::{Body, Shape};
use super::slabs::Slabs;
use super::{finite, positive};
use crate::data::{Point, scale};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `box: {center, half_lengths, rotation_deg, density}`; lengths in the phantom's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Centre [x, y, z]; default the origin.
    #[serde(default)]
    pub center: Point,
    /// Half of each edge length along the body's own x, y and z axes.
    pub half_lengths: Point,
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
        positive("half_lengths", &self.half_lengths)?;
        finite("rotation_deg", &self.rotation_deg.0)?;
        finite("density", &[self.density])
    }

    fn body(&self, unit_mm: f64) -> Box<dyn Body> {
        Box::new(Slabs::cuboid(
            scale(self.center, unit_mm),
            scale(self.half_lengths, unit_mm),
            self.rotation_deg.matrix(),
        ))
    }
}
