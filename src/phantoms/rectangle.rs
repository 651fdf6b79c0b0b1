//! Filled rectangle (2-D), such as a bar of a resolution pattern.

use super::body::{Body, Shape};
use super::slabs::Slabs;
use super::{finite, positive};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `rectangle: {center, half_lengths, rotation_deg, density}`; lengths in the phantom's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Centre [x, y]; default the origin.
    #[serde(default)]
    pub center: [f64; 2],
    /// Half of each edge length along the body's own x and y axes.
    pub half_lengths: [f64; 2],
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
        positive("half_lengths", &self.half_lengths)?;
        finite("rotation_deg", &[self.rotation_deg])?;
        finite("density", &[self.density])
    }

    fn body(&self, unit_mm: f64) -> Box<dyn Body> {
        let [center, half_lengths] = [self.center, self.half_lengths].map(|pair| pair.map(|value| value * unit_mm));
        Box::new(Slabs::rectangle(center, half_lengths, self.rotation_deg.to_radians()))
    }
}
