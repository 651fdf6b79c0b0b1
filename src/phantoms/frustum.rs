//! The body of a `cone`: a right circular cone truncated at both ends.
//!
//! In the body's own axes |(x, y)| ≤ ρ(z) = m + s z for |z| ≤ h. Along a line this is a quadratic inequality in t; the
//! body is convex, so its solution between the ends is one interval.

use super::body::Body;
use crate::data::{Point, add, dot, scale, sub};

/// A truncated cone in mm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frustum {
    center: Point,
    /// `rotation[i][k]` is world component i of body axis k.
    rotation: [Point; 3],
    /// Radii at −h and at +h.
    radii: [f64; 2],
    half_length: f64,
}

impl Frustum {
    /// Creates a truncated cone from its radii (mm) at the lower and the upper end of the axis, which is the last
    /// column of `rotation`.
    pub(super) fn new(center: Point, radii: [f64; 2], half_length: f64, rotation: [Point; 3]) -> Self {
        Self { center, rotation, radii, half_length }
    }

    fn to_body(&self, vector: Point) -> Point {
        std::array::from_fn(|k| (0..3).map(|i| self.rotation[i][k] * vector[i]).sum())
    }

    /// Radius at height z (mm), and its derivative with respect to z.
    fn radius(&self, z: f64) -> (f64, f64) {
        let slope = (self.radii[1] - self.radii[0]) / (2.0 * self.half_length);
        (f64::midpoint(self.radii[0], self.radii[1]) + slope * z, slope)
    }
}

/// Interval in which a t² + 2 b t + c ≤ 0, on the branch where the radius m + k t is not negative.
fn below(a: f64, b: f64, c: f64, k: f64) -> Option<(f64, f64)> {
    if a == 0.0 {
        let root = -c / (2.0 * b);
        return match b {
            0.0 => (c <= 0.0).then_some((f64::NEG_INFINITY, f64::INFINITY)),
            b if b > 0.0 => Some((f64::NEG_INFINITY, root)),
            _ => Some((root, f64::INFINITY)),
        };
    }
    let room = b * b - a * c;
    if room < 0.0 && a > 0.0 {
        return None;
    }
    // The root of larger magnitude is computed first and the other from the product of both, to avoid cancellation.
    let q = -(b + room.max(0.0).sqrt().copysign(b));
    let (one, two) = (q / a, if q == 0.0 { 0.0 } else { c / q });
    let (first, last) = (one.min(two), one.max(two));
    match (a > 0.0, k > 0.0) {
        (true, _) => Some((first, last)),
        (false, true) => Some((last, f64::INFINITY)),
        (false, false) => Some((f64::NEG_INFINITY, first)),
    }
}

impl Body for Frustum {
    fn contains(&self, point: Point) -> bool {
        let [x, y, z] = self.to_body(sub(point, self.center));
        z.abs() <= self.half_length && x.hypot(y) <= self.radius(z).0
    }

    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)> {
        let nearest_at = -dot(sub(origin, self.center), direction) / dot(direction, direction);
        let [x, y, z] = self.to_body(sub(add(origin, scale(direction, nearest_at)), self.center));
        let [dx, dy, dz] = self.to_body(direction);
        let (radius, slope) = self.radius(z);
        let growth = slope * dz;
        let (a, b, c) =
            (dx * dx + dy * dy - growth * growth, x * dx + y * dy - radius * growth, x * x + y * y - radius * radius);
        let (mut first, mut last) = if dz == 0.0 {
            (z.abs() <= self.half_length).then_some((f64::NEG_INFINITY, f64::INFINITY))?
        } else {
            let (one, two) = ((-self.half_length - z) / dz, (self.half_length - z) / dz);
            (one.min(two), one.max(two))
        };
        let (from, to) = below(a, b, c, growth)?;
        (first, last) = (first.max(from), last.min(to));
        (first < last).then_some((first + nearest_at, last + nearest_at))
    }

    fn bounds(&self) -> [Point; 2] {
        let ends = [-self.half_length, self.half_length];
        let reach = |i: usize, k: usize| {
            let axis = self.rotation[i][2];
            let across = self.radii[k] * (1.0 - axis * axis).max(0.0).sqrt();
            [self.center[i] + ends[k] * axis - across, self.center[i] + ends[k] * axis + across]
        };
        [
            std::array::from_fn(|i| reach(i, 0)[0].min(reach(i, 1)[0])),
            std::array::from_fn(|i| reach(i, 0)[1].max(reach(i, 1)[1])),
        ]
    }

    fn content(&self) -> f64 {
        let [a, b] = self.radii;
        2.0 * self.half_length * std::f64::consts::PI / 3.0 * (a * a + a * b + b * b)
    }
}
