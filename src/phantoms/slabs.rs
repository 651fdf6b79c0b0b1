//! The body of boxes and rectangles: {p : |M (p − c)|∞ ≤ 1} with a linear map M to the unit cube. For a rectangle the
//! last row of M is zero: an infinite prism. A line is inside where it is between all pairs of faces (Kay and Kajiya,
//! "Ray tracing complex scenes", SIGGRAPH 1986).

use super::body::Body;
use crate::data::{Point, add, dot, scale, sub};

/// A box in any orientation, or a rectangular prism along z, in mm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slabs {
    center: Point,
    to_unit: [Point; 3],
    reach: Point,
    content: f64,
}

impl Slabs {
    /// Creates a box with half lengths (mm) along the columns of `rotation` (`rotation[i][k]`: world component i of
    /// axis k).
    pub(super) fn cuboid(center: Point, half_lengths: Point, rotation: [Point; 3]) -> Self {
        let to_unit = std::array::from_fn(|k| std::array::from_fn(|i| rotation[i][k] / half_lengths[k]));
        let reach = std::array::from_fn(|i| (0..3).map(|k| (rotation[i][k] * half_lengths[k]).abs()).sum());
        Self { center, to_unit, reach, content: 8.0 * half_lengths.iter().product::<f64>() }
    }

    /// Creates a prism along z over a rectangle with half lengths (mm), rotated by `angle` (radians) from +x towards
    /// +y.
    pub(super) fn rectangle(center: [f64; 2], half_lengths: [f64; 2], angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        let [a, b] = half_lengths;
        Self {
            center: [center[0], center[1], 0.0],
            to_unit: [[cos / a, sin / a, 0.0], [-sin / b, cos / b, 0.0], [0.0; 3]],
            reach: [(a * cos).abs() + (b * sin).abs(), (a * sin).abs() + (b * cos).abs(), 0.0],
            content: 4.0 * a * b,
        }
    }
}

impl Body for Slabs {
    fn contains(&self, point: Point) -> bool {
        let offset = sub(point, self.center);
        self.to_unit.iter().all(|row| dot(*row, offset).abs() <= 1.0)
    }

    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)> {
        // Computed from the point nearest to the centre, so that distant sources lose no precision.
        let nearest_at = -dot(sub(origin, self.center), direction) / dot(direction, direction);
        let start = sub(add(origin, scale(direction, nearest_at)), self.center);
        let mut span = (f64::NEG_INFINITY, f64::INFINITY);
        for row in self.to_unit {
            let (at, speed) = (dot(row, start), dot(row, direction));
            if speed == 0.0 {
                if at.abs() > 1.0 {
                    return None;
                }
                continue;
            }
            let (first, last) = ((-1.0 - at) / speed, (1.0 - at) / speed);
            span = (span.0.max(first.min(last)), span.1.min(first.max(last)));
        }
        (span.0 < span.1).then_some((span.0 + nearest_at, span.1 + nearest_at))
    }

    fn bounds(&self) -> [Point; 2] {
        [sub(self.center, self.reach), add(self.center, self.reach)]
    }

    fn content(&self) -> f64 {
        self.content
    }
}
