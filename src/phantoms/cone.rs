//! Solid truncated cone (3-D), such as the occipital protuberances of the FORBILD head.

use super::angles::Angles;
use super::body::{Body, Shape};
use super::frustum::Frustum;
use super::{finite, positive};
use crate::data::{Point, scale};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `cone: {center, radii, half_length, rotation_deg, density}`; lengths in the phantom's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Middle of the axis [x, y, z]; default the origin.
    #[serde(default)]
    pub center: Point,
    /// Radii at the lower and the upper end of the body's own z axis; one of them may be 0.
    pub radii: [f64; 2],
    /// Half of the length along the body's own z axis.
    pub half_length: f64,
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
        finite("radii", &self.radii)?;
        if self.radii.iter().any(|&radius| radius < 0.0) || self.radii == [0.0; 2] {
            return Err(Error::config(
                "radii",
                format!("expected one positive radius and none below 0, got {:?}", self.radii),
            ));
        }
        positive("half_length", &[self.half_length])?;
        finite("rotation_deg", &self.rotation_deg.0)?;
        finite("density", &[self.density])
    }

    fn body(&self, unit_mm: f64) -> Box<dyn Body> {
        let radii = self.radii.map(|radius| radius * unit_mm);
        Box::new(Frustum::new(
            scale(self.center, unit_mm),
            radii,
            self.half_length * unit_mm,
            self.rotation_deg.matrix(),
        ))
    }
}
