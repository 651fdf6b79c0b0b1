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
    /// Middle of the axis [x, y, z].
    #[serde(default)]
    pub center: Point,
    /// Radius at the lower and at the upper end of the body's own z; one of them may be 0.
    pub radii: [f64; 2],
    /// Half of its length along the body's own z.
    pub half_length: f64,
    /// Orientation: degrees about z, or Euler angles [phi, theta, psi].
    #[serde(default)]
    pub rotation_deg: Angles,
    /// Attenuation relative to water.
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
