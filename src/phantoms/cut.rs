//! Half-space cuts: `cut: [{normal, offset}]` beside any shape keeps the points p with normal · p ≤ offset (unit
//! normal). A convex solid stays convex when cut, so a cut only shortens the interval of a line.

use super::body::Body;
use crate::data::{Point, dot, norm, scale};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `{normal, offset}`: keeps the points with normal · p ≤ offset, for the normal scaled to unit length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Direction towards the side that is cut away, [x, y, z] (z = 0 in 2-D); need not be of unit length.
    pub normal: Point,
    /// Signed distance of the plane from the origin along `normal`, in the phantom's unit; default 0.
    #[serde(default)]
    pub offset: f64,
}

impl Cut {
    pub(super) fn check(&self) -> Result<()> {
        super::finite("normal", &self.normal)?;
        super::finite("offset", &[self.offset])?;
        if norm(self.normal) < 1e-6 {
            return Err(Error::config("normal", format!("expected a vector other than zero, got {:?}", self.normal)));
        }
        Ok(())
    }

    /// The half-space in mm.
    pub(super) fn half_space(&self, unit_mm: f64) -> HalfSpace {
        HalfSpace { normal: scale(self.normal, 1.0 / norm(self.normal)), offset: self.offset * unit_mm }
    }
}

/// Half-space of the points with normal · p ≤ offset, mm; the normal is a unit vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HalfSpace {
    pub(super) normal: Point,
    pub(super) offset: f64,
}

impl HalfSpace {
    fn clip(&self, (first, last): (f64, f64), origin: Point, direction: Point) -> Option<(f64, f64)> {
        let (room, speed) = (self.offset - dot(self.normal, origin), dot(self.normal, direction));
        let clipped = match speed {
            0.0 if room < 0.0 => return None,
            0.0 => (first, last),
            speed if speed > 0.0 => (first, last.min(room / speed)),
            speed => (first.max(room / speed), last),
        };
        (clipped.0 < clipped.1).then_some(clipped)
    }
}

/// A body without the parts beyond its cutting planes.
pub(super) struct Clipped {
    pub(super) inner: Box<dyn Body>,
    pub(super) planes: Vec<HalfSpace>,
}

impl Body for Clipped {
    fn contains(&self, point: Point) -> bool {
        self.planes.iter().all(|plane| dot(plane.normal, point) <= plane.offset) && self.inner.contains(point)
    }

    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)> {
        let whole = self.inner.interval(origin, direction)?;
        self.planes.iter().try_fold(whole, |span, plane| plane.clip(span, origin, direction))
    }

    /// Bounds of the uncut body, reduced only by planes that are perpendicular to a coordinate axis.
    fn bounds(&self) -> [Point; 2] {
        let [mut low, mut high] = self.inner.bounds();
        for HalfSpace { normal, offset } in &self.planes {
            for axis in 0..3 {
                if normal[axis].abs() == 1.0 {
                    let end = if normal[axis] > 0.0 { &mut high } else { &mut low };
                    end[axis] = if normal[axis] > 0.0 { end[axis].min(*offset) } else { end[axis].max(-offset) };
                }
            }
        }
        [low, high]
    }

    fn content(&self) -> f64 {
        super::body::measured_content(self)
    }
}
