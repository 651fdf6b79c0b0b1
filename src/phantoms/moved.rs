//! A body that is shifted, scaled and rotated about z, for random families of phantoms.
//!
//! Lines and points are transformed back to the original body instead; an affine map does not change the line parameter
//! t.

use super::body::Body;
use crate::data::{Point, add, sub};

/// A point p is inside if c + R⁻¹ (p − c − shift) / growth is inside the inner body, with c = `about`; lengths in mm.
pub(super) struct Moved {
    pub(super) inner: Box<dyn Body>,
    pub(super) about: Point,
    pub(super) shift: Point,
    pub(super) growth: f64,
    /// Rotation about z in radians, from +x towards +y.
    pub(super) turn: f64,
}

impl Moved {
    fn back(&self, vector: Point) -> Point {
        let (sin, cos) = self.turn.sin_cos();
        [cos * vector[0] + sin * vector[1], -sin * vector[0] + cos * vector[1], vector[2]].map(|v| v / self.growth)
    }

    fn point_back(&self, point: Point) -> Point {
        add(self.about, self.back(sub(sub(point, self.about), self.shift)))
    }
}

impl Body for Moved {
    fn contains(&self, point: Point) -> bool {
        self.inner.contains(self.point_back(point))
    }

    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)> {
        self.inner.interval(self.point_back(origin), self.back(direction))
    }

    fn bounds(&self) -> [Point; 2] {
        let [low, high] = self.inner.bounds();
        let (sin, cos) = self.turn.sin_cos();
        let place = |corner: usize| {
            let point: Point = std::array::from_fn(|k| if corner >> k & 1 == 0 { low[k] } else { high[k] });
            let [x, y, z] = sub(point, self.about).map(|v| v * self.growth);
            add(add(self.about, self.shift), [cos * x - sin * y, sin * x + cos * y, z])
        };
        (0..8).map(place).fold([[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]], |[a, b], p| {
            [std::array::from_fn(|k| a[k].min(p[k])), std::array::from_fn(|k| b[k].max(p[k]))]
        })
    }

    fn content(&self) -> f64 {
        let [low, high] = self.inner.bounds();
        self.inner.content() * self.growth.powi(if low[2] == high[2] { 2 } else { 3 })
    }
}
