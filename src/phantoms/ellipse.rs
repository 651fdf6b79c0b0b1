//! Filled ellipse: the 2-D Shepp-Logan phantom is a sum of these.

use super::body::{Body, Shape};
use super::quadric::Quadric;
use super::{finite, positive};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `ellipse: {center, semi_axes, rotation_deg, density}`; lengths in the phantom's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Centre [x, y]; default the origin.
    #[serde(default)]
    pub center: [f64; 2],
    /// Semi-axes along the body's own x and y axes.
    pub semi_axes: [f64; 2],
    /// Rotation in degrees from +x towards +y; default 0.
    #[serde(default)]
    pub rotation_deg: f64,
    /// Attenuation relative to water (water is 1).
    pub density: f64,
}

impl Shape for Config {
    fn dimension(&self) -> u8 {
        2
    }

    fn density(&self) -> f64 {
        self.density
    }

    fn check(&self) -> Result<()> {
        finite("center", &self.center)?;
        positive("semi_axes", &self.semi_axes)?;
        finite("rotation_deg", &[self.rotation_deg])?;
        finite("density", &[self.density])
    }

    fn body(&self, unit_mm: f64) -> Box<dyn Body> {
        let [center, semi_axes] = [self.center, self.semi_axes].map(|pair| pair.map(|value| value * unit_mm));
        Box::new(Quadric::ellipse(center, semi_axes, self.rotation_deg.to_radians()))
    }
}
