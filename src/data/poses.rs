//! [`Poses`]: what a file says of a scan, which may be less than a geometry.

use super::geometry::{DetectorShape, Geometry};
use super::orbit::Orbit;
use super::view::View;

/// Views read from a file whose format may leave the detector's pixels open.
#[derive(Debug, Clone, PartialEq)]
pub struct Poses {
    /// One entry per exposure.
    pub views: Vec<View>,
    /// `[rows, columns]`, where the file says so.
    pub pixels: Option<[usize; 2]>,
    /// Whether u and v hold the pixel pitch; else they are unit vectors.
    pub pitched: bool,
    /// Form of the detector.
    pub shape: DetectorShape,
    /// The orbit, where the file says so.
    pub orbit: Option<Orbit>,
}

impl From<Geometry> for Poses {
    fn from(geometry: Geometry) -> Self {
        let Geometry { views, detector, orbit } = geometry;
        Self { views, pixels: Some([detector.rows, detector.columns]), pitched: true, shape: detector.shape, orbit }
    }
}
