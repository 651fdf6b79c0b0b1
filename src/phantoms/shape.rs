//! What a phantom is made of: [`Shape`], a solid as a file writes it, and [`Body`], the same solid in millimetres.
//!
//! Every body is convex, so a line meets it in one interval. Exact line integrals, anti-aliased rasterisation and
//! half-space cuts all follow from that interval.

use super::{ellipse, ellipsoid};
use crate::data::Point;
use crate::error::Result;
use crate::kinds;

/// A shape as a phantom file writes it: lengths as fractions of half the phantom's extent.
pub trait Shape {
    /// 2 for shapes in the plane, 3 for solids.
    fn dimension(&self) -> u8;
    /// What is added to the attenuation inside, relative to water.
    fn density(&self) -> f64;
    /// Whether the numbers make a solid.
    ///
    /// # Errors
    /// A value that is not finite or a size that is not positive, with its key.
    fn check(&self) -> Result<()>;
    /// The solid in mm, for a phantom of half extent `half_extent_mm`.
    fn body(&self, half_extent_mm: f64) -> Box<dyn Body>;
}

/// A convex solid in world mm. In 2-D it is a prism without end along z, and its content is an area.
pub trait Body: Send + Sync {
    /// Whether a world point (mm) is inside.
    fn contains(&self, point: Point) -> bool;
    /// The `t` (in units of `direction`) between which `origin + t direction` is inside; `None` if the line misses it.
    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)>;
    /// Lowest and highest corner of the axis-aligned box around it, mm; z is `[0, 0]` in 2-D.
    fn bounds(&self) -> [Point; 2];
    /// Its volume in mm³, or its area in mm² in 2-D.
    fn content(&self) -> f64;

    /// Length (mm, for a unit `direction`) of the line inside the solid.
    fn chord(&self, origin: Point, direction: Point) -> f64 {
        self.interval(origin, direction).map_or(0.0, |(first, last)| last - first)
    }
}

kinds! {
    /// A solid of a phantom.
    pub enum ShapeKind: "shape" => dyn Shape {
        /// A solid ellipsoid (3-D).
        ellipsoid => Ellipsoid(ellipsoid::Config),
        /// A filled ellipse (2-D).
        ellipse => Ellipse(ellipse::Config),
    }
}
