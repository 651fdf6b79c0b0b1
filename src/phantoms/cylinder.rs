//! Solid cylinder (3-D), circular or elliptic, such as a rib, a vessel or a water phantom.

use super::angles::Angles;
use super::body::{Body, Shape};
use super::cut::{Clipped, HalfSpace};
use super::quadric::Quadric;
use super::{finite, positive};
use crate::data::{Point, add, dot, scale, sub};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `cylinder: {center, semi_axes, half_length, rotation_deg, density}`; lengths in the phantom's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Centre [x, y, z]; default the origin.
    #[serde(default)]
    pub center: Point,
    /// Semi-axes of the cross-section along the body's own x and y axes; equal for a circular cylinder.
    pub semi_axes: [f64; 2],
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
        positive("semi_axes", &self.semi_axes)?;
        positive("half_length", &[self.half_length])?;
        finite("rotation_deg", &self.rotation_deg.0)?;
        finite("density", &[self.density])
    }

    fn body(&self, unit_mm: f64) -> Box<dyn Body> {
        let center = scale(self.center, unit_mm);
        let (semi_axes, half_length) = (self.semi_axes.map(|a| a * unit_mm), self.half_length * unit_mm);
        Box::new(Cylinder::new(center, semi_axes, half_length, self.rotation_deg.matrix()))
    }
}

/// An infinite cylinder clipped by two planes.
struct Cylinder {
    clipped: Clipped,
    bounds: [Point; 2],
    content: f64,
}

impl Cylinder {
    fn new(center: Point, semi_axes: [f64; 2], half_length: f64, rotation: [Point; 3]) -> Self {
        let axis: Point = std::array::from_fn(|i| rotation[i][2]);
        let plane = |normal: Point| HalfSpace { normal, offset: dot(normal, center) + half_length };
        let reach: Point = std::array::from_fn(|i| {
            (rotation[i][0] * semi_axes[0]).hypot(rotation[i][1] * semi_axes[1]) + half_length * axis[i].abs()
        });
        Self {
            clipped: Clipped {
                inner: Box::new(Quadric::endless(center, semi_axes, rotation)),
                planes: vec![plane(axis), plane(scale(axis, -1.0))],
            },
            bounds: [sub(center, reach), add(center, reach)],
            content: std::f64::consts::PI * semi_axes[0] * semi_axes[1] * 2.0 * half_length,
        }
    }
}

impl Body for Cylinder {
    fn contains(&self, point: Point) -> bool {
        self.clipped.contains(point)
    }

    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)> {
        self.clipped.interval(origin, direction)
    }

    fn bounds(&self) -> [Point; 2] {
        self.bounds
    }

    fn content(&self) -> f64 {
        self.content
    }
}
