//! What a phantom is made of: [`Shape`], a solid as a file writes it, and [`Body`], the same solid in millimetres.
//!
//! Every body is convex, so a line meets it in one interval. Exact line integrals, anti-aliased rasterisation and
//! half-space cuts all follow from that interval.

use crate::data::Point;
use crate::error::Result;

/// A shape as a phantom file writes it: lengths in the phantom's unit, half its extent unless it says `unit_mm`.
pub trait Shape {
    /// 2 for shapes in the plane, 3 for solids.
    fn dimension(&self) -> u8;
    /// Attenuation relative to water that it adds inside (or has there, where shapes replace each other).
    fn density(&self) -> f64;
    /// Whether the numbers make a solid.
    ///
    /// # Errors
    /// A value that is not finite or a size that is not positive, with its key.
    fn check(&self) -> Result<()>;
    /// The solid in mm, for a phantom whose unit of length is `unit_mm`.
    fn body(&self, unit_mm: f64) -> Box<dyn Body>;
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

/// Rows of chords that [`measured_content`] sums along each axis.
const CHORDS: usize = 512;

/// Volume (mm³, or area in mm² in 2-D) of a body from its exact chords along x, midpoints across: good to about 1e-4.
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
