//! [`Poses`]: the views read from a file, which may define less than a [`Geometry`].

use super::geometry::{DetectorShape, Geometry};
use super::orbit::Orbit;
use super::view::View;

/// Views read from a file whose format may leave the number of pixels open.
#[derive(Debug, Clone, PartialEq)]
pub struct Poses {
    /// One entry per view (exposure).
    pub views: Vec<View>,
    /// Number of pixels `[rows, columns]`, if the file gives it.
    pub pixels: Option<[usize; 2]>,
    /// Whether |u| and |v| are the pixel pitch in mm; otherwise they are unit vectors.
    pub pitched: bool,
    /// Shape of the detector's surface.
    pub shape: DetectorShape,
    /// Circular orbit, if the file gives it.
    pub orbit: Option<Orbit>,
}

impl From<Geometry> for Poses {
    fn from(geometry: Geometry) -> Self {
        let Geometry { views, detector, orbit } = geometry;
        Self { views, pixels: Some([detector.rows, detector.columns]), pitched: true, shape: detector.shape, orbit }
    }
}
