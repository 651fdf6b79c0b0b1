//! Building blocks of a phantom: [`Shape`], a solid as configured in a file, and [`Body`], the same solid in
//! millimetres.
//!
//! Every body is convex, so a line intersects it in one interval. Exact line integrals, anti-aliased rasterisation and
//! half-space cuts are all computed from that interval.

use crate::data::Point;
use crate::error::Result;

/// A shape as configured in a phantom file; lengths in the phantom's unit, half of `extent_mm` unless it gives
/// `unit_mm`.
pub trait Shape {
    /// Number of dimensions: 2 for plane shapes, 3 for solids.
    fn dimension(&self) -> u8;
    /// Attenuation relative to water that the shape adds inside (or that replaces the shapes before it; see
    /// [`Combine`](super::Combine)).
    fn density(&self) -> f64;
    /// Checks that the values describe a solid.
    ///
    /// # Errors
    /// A value that is not finite or a size that is not positive, with its key.
    fn check(&self) -> Result<()>;
    /// The solid in mm, for a phantom whose unit of length is `unit_mm` mm.
    fn body(&self, unit_mm: f64) -> Box<dyn Body>;
}

/// A convex solid in world mm. In 2-D it is an infinite prism along z, and its content is an area.
pub trait Body: Send + Sync {
    /// Whether a world point (mm) is inside.
    fn contains(&self, point: Point) -> bool;
    /// Interval of `t` in which `origin + t direction` is inside; `None` if the line misses the solid.
    fn interval(&self, origin: Point, direction: Point) -> Option<(f64, f64)>;
    /// Lowest and highest corner of the axis-aligned bounding box, mm; z is `[0, 0]` in 2-D.
    fn bounds(&self) -> [Point; 2];
    /// Volume in mm³, or area in mm² in 2-D.
    fn content(&self) -> f64;

    /// Length in mm (for a unit `direction`) of the line inside the solid.
    fn chord(&self, origin: Point, direction: Point) -> f64 {
        self.interval(origin, direction).map_or(0.0, |(first, last)| last - first)
    }
}

/// Number of chords per axis (y, and z in 3-D) that [`measured_content`] sums.
const CHORDS: usize = 512;

/// Volume (mm³, or area in mm² in 2-D) of a body by the midpoint rule over its exact chords along x; accurate to about
/// 1e-4 (relative).
pub(super) fn measured_content(body: &dyn Body) -> f64 {
    let [low, high] = body.bounds();
    let flat = low[2] == high[2];
    let layers = if flat { 1 } else { CHORDS };
    let step = |k: usize, n: usize| (high[k] - low[k]) / n as f64;
    let (dy, dz) = (step(1, CHORDS), if flat { 1.0 } else { step(2, layers) });
    let origin = |z: usize, y: usize| {
        let height = if flat { low[2] } else { low[2] + (z as f64 + 0.5) * dz };
        [low[0], low[1] + (y as f64 + 0.5) * dy, height]
    };
    let row = |z: usize| (0..CHORDS).map(|y| body.chord(origin(z, y), [1.0, 0.0, 0.0])).sum::<f64>();
    (0..layers).map(row).sum::<f64>() * dy * dz
}
