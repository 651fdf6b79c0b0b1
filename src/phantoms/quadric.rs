//! The body of ellipsoids and ellipses: {p : |M (p − c)| ≤ 1} with a linear map M to the unit sphere.
//!
//! For an ellipsoid with rotation R (body to world) and semi-axes s, M = diag(1/s) Rᵀ. For an ellipse the last row of M
//! is zero: an infinite cylinder. The line o + t d intersects the surface where |M(o − c) + t M d| = 1; with the point
//! q nearest to the centre, at t* = −(M(o − c) · M d)/|M d|², the half chord is √((1 − |q|²)/|M d|²). Using q avoids
//! the cancellation of the textbook discriminant for distant sources.

use super::body::Body;
use crate::data::{Point, add, dot, scale, sub};

/// An ellipsoid in any orientation, or an elliptic cylinder along z, in mm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quadric {
    center: Point,
    to_unit: [Point; 3],
    reach: Point,
    content: f64,
}

impl Quadric {
    /// Creates an ellipsoid with semi-axes (mm) along the columns of `rotation` (`rotation[i][k]`: world component i of
    /// axis k).
    #[must_use]
    pub(super) fn ellipsoid(center: Point, semi_axes: Point, rotation: [Point; 3]) -> Self {
        let to_unit = std::array::from_fn(|k| std::array::from_fn(|i| rotation[i][k] / semi_axes[k]));
        let reach =
            std::array::from_fn(|i| (0..3).map(|k| (rotation[i][k] * semi_axes[k]).powi(2)).sum::<f64>().sqrt());
        let content = 4.0 / 3.0 * std::f64::consts::PI * semi_axes.iter().product::<f64>();
        Self { center, to_unit, reach, content }
    }

    /// Creates an elliptic cylinder along z with in-plane semi-axes (mm), rotated by `angle` (radians) from +x towards
    /// +y.
    #[must_use]
    pub(super) fn ellipse(center: [f64; 2], semi_axes: [f64; 2], angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        let [a, b] = semi_axes;
        Self {
            center: [center[0], center[1], 0.0],
            to_unit: [[cos / a, sin / a, 0.0], [-sin / b, cos / b, 0.0], [0.0; 3]],
            reach: [(a * cos).hypot(b * sin), (a * sin).hypot(b * cos), 0.0],
            content: std::f64::consts::PI * a * b,
        }
    }

    /// Creates an infinite elliptic cylinder along the last column of `rotation`; its bounds and content are infinite.
    pub(super) fn endless(center: Point, semi_axes: [f64; 2], rotation: [Point; 3]) -> Self {
        let row = |k: usize| std::array::from_fn(|i| rotation[i][k] / semi_axes[k]);
        Self { center, to_unit: [row(0), row(1), [0.0; 3]], reach: [f64::INFINITY; 3], content: f64::INFINITY }
    }

    fn map(&self, vector: Point) -> Point {
        self.to_unit.map(|row| dot(row, vector))
    }
}

impl Body for Quadric {
    fn contains(&self, point: Point) -> bool {
        let unit = self.map(sub(point, self.center));
        dot(unit, unit) <= 1.0
    }

    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)> {
        let (start, along) = (self.map(sub(origin, self.center)), self.map(direction));
        let speed = dot(along, along);
        if speed == 0.0 {
            // The line is parallel to the axis of a cylinder: all of it is inside, or nothing.
            return (dot(start, start) <= 1.0).then_some((f64::NEG_INFINITY, f64::INFINITY));
        }
        let nearest_at = -dot(start, along) / speed;
        let nearest = add(start, scale(along, nearest_at));
        let room = 1.0 - dot(nearest, nearest);
        (room > 0.0).then(|| {
            let half = (room / speed).sqrt();
            (nearest_at - half, nearest_at + half)
        })
    }

    fn bounds(&self) -> [Point; 2] {
        [sub(self.center, self.reach), add(self.center, self.reach)]
    }

    fn content(&self) -> f64 {
        self.content
    }
}

#[cfg(test)]
mod tests {
    use super::super::angles::Angles;
    use super::*;
    use crate::data::normalized;
    use proptest::prelude::*;

    fn tilted() -> Quadric {
        Quadric::ellipsoid([3.0, -2.0, 5.0], [10.0, 4.0, 7.0], Angles([20.0, 35.0, -50.0]).matrix())
    }

    #[test]
    fn the_chord_through_the_centre_of_a_sphere_is_its_diameter() {
        let sphere = Quadric::ellipsoid([1.0, 2.0, 3.0], [5.0; 3], Angles([0.0; 3]).matrix());
        assert!((sphere.chord([1.0, 2.0, -400.0], [0.0, 0.0, 1.0]) - 10.0).abs() < 1e-12);
        assert_eq!(sphere.chord([7.0, 2.0, -400.0], [0.0, 0.0, 1.0]), 0.0);
    }

    #[test]
    fn a_ray_along_an_endless_cylinder_is_inside_all_the_way_or_never() {
        let ellipse = Quadric::ellipse([1.0, 0.0], [2.0, 1.0], 0.3);
        assert_eq!(ellipse.interval([1.5, 0.0, 9.0], [0.0, 0.0, 1.0]), Some((f64::NEG_INFINITY, f64::INFINITY)));
        assert_eq!(ellipse.interval([9.0, 0.0, 9.0], [0.0, 0.0, 1.0]), None);
    }

    proptest! {
        #[test]
        fn the_chord_is_the_length_of_the_line_inside(
            y in -12.0..12.0f64, z in -12.0..12.0f64, a in -0.8..0.8f64, b in -0.8..0.8f64,
        ) {
            let (body, direction) = (tilted(), normalized([1.0, a, b]));
            let origin = sub([3.0, -2.0 + y, 5.0 + z], scale(direction, 40.0));
            let steps = 8000;
            let step = 80.0 / f64::from(steps);
            let point = |k: u32| add(origin, scale(direction, (f64::from(k) + 0.5) * step));
            let inside = (0..steps).filter(|&k| body.contains(point(k))).count();
            prop_assert!((body.chord(origin, direction) - inside as f64 * step).abs() < 2.0 * step);
        }

        #[test]
        fn no_point_inside_lies_outside_the_bounds(x in -15.0..15.0f64, y in -15.0..15.0f64, z in -15.0..15.0f64) {
            let (body, point) = (tilted(), [x, y, z]);
            let [low, high] = body.bounds();
            if body.contains(point) {
                prop_assert!((0..3).all(|k| low[k] <= point[k] && point[k] <= high[k]));
            }
        }
    }

    #[test]
    fn the_body_comes_within_a_percent_of_each_face_of_its_bounds() {
        let body = tilted();
        let [low, high] = body.bounds();
        for axis in 0..3 {
            let (k, l) = ((axis + 1) % 3, (axis + 2) % 3);
            let near = |step: usize| {
                let mut point = high;
                point[axis] -= 0.01 * (high[axis] - low[axis]);
                point[k] = low[k] + (step / 400) as f64 / 399.0 * (high[k] - low[k]);
                point[l] = low[l] + (step % 400) as f64 / 399.0 * (high[l] - low[l]);
                body.contains(point)
            };
            assert!((0..160_000).any(near), "axis {axis}");
        }
    }
}
