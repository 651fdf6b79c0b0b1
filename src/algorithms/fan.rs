//! [`Fan`]: fan angles of the detector columns and heights of the rows, which filters and weights depend on.

use crate::data::{DetectorShape, Geometry, Orbit, Point, add, norm, scale};

/// Fan angles and heights of an upright detector (rows across the rotation axis), on which the weights of an orbit
/// depend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fan {
    /// Fan angle of each column, radians, growing along +u; for a parallel beam its distance from the central ray, mm.
    pub(super) places: Vec<f64>,
    /// Height of each row above the central ray, mm on the detector.
    pub(super) heights: Vec<f64>,
    /// Source-to-detector distance, mm; `None` for a parallel beam.
    pub(super) distance: Option<f64>,
    /// Magnification: source-to-detector over source-to-axis distance; 1 for a parallel beam.
    pub(super) magnification: f64,
    /// Angle between neighbouring columns of a cylindrical detector, radians; `None` for a flat one.
    pub(super) equiangular: Option<f64>,
}

impl Fan {
    pub(super) fn new(geometry: &Geometry, orbit: &Orbit) -> Self {
        let [_, rows, columns] = geometry.shape();
        let first = &geometry.views[0];
        let along = |count: usize, pitch: f64, offset: f64| -> Vec<f64> {
            (0..count).map(|i| (i as f64 - (count as f64 - 1.0) / 2.0) * pitch + offset).collect()
        };
        let distance = orbit.source_to_detector;
        let curved = geometry.detector.shape == DetectorShape::Cylindrical;
        let mut places = along(columns, norm(first.u), orbit.offset[1]);
        if let Some(distance) = distance {
            for place in &mut places {
                *place = if curved { *place / distance } else { (*place / distance).atan() };
            }
        }
        Self {
            places,
            heights: along(rows, norm(first.v), orbit.offset[0]),
            distance,
            magnification: distance.zip(orbit.source_to_axis).map_or(1.0, |(detector, axis)| detector / axis),
            equiangular: distance.filter(|_| curved).map(|distance| norm(first.u) / distance),
        }
    }

    /// Fan angles (distances for a parallel beam) of the first and the last column.
    pub(super) fn ends(&self) -> [f64; 2] {
        [self.places[0], self.places[self.places.len() - 1]]
    }

    /// Cosine of the angle between the ray of a pixel and the central ray; 1 for a parallel beam.
    pub(super) fn cosine(&self, row: usize, column: usize) -> f64 {
        let Some(distance) = self.distance else { return 1.0 };
        let cos = self.places[column].cos();
        let radius = if self.equiangular.is_some() { distance } else { distance / cos };
        cos * radius / radius.hypot(self.heights[row])
    }

    /// Position of the centre of a detector shifted sideways by `offset` mm, relative to the source (for a parallel
    /// beam, to the unshifted centre): [along the outward direction, along u], mm.
    pub(super) fn foot(&self, offset: f64) -> [f64; 2] {
        match (self.distance, self.equiangular) {
            (None, _) => [0.0, offset],
            (Some(distance), None) => [-distance, offset],
            (Some(distance), Some(_)) => [-distance * (offset / distance).cos(), distance * (offset / distance).sin()],
        }
    }

    /// Unit vector along the columns' direction u at the centre of a detector shifted by `offset` mm.
    pub(super) fn tangent(&self, offset: f64, outward: Point, across: Point) -> Point {
        let angle = self.distance.filter(|_| self.equiangular.is_some()).map_or(0.0, |distance| offset / distance);
        let (sin, cos) = angle.sin_cos();
        add(scale(across, cos), scale(outward, sin))
    }
}
