//! [`Fan`]: the places on a detector as its rays see them, which filters and weights depend on.

use crate::data::{DetectorShape, Geometry, Orbit, Point, add, norm, scale};

/// Where the columns of an upright detector look: what the weights of an orbit depend on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fan {
    /// Per column the fan angle along +u, radians; the distance from the central ray, mm, for a parallel beam.
    pub(super) places: Vec<f64>,
    /// Per row the height over the central ray, mm on the detector.
    pub(super) heights: Vec<f64>,
    /// Source to detector, mm; `None` for a parallel beam.
    pub(super) distance: Option<f64>,
    /// Detector over axis.
    pub(super) magnification: f64,
    /// Angle between the columns of a cylindrical detector.
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

    /// Lowest and highest place.
    pub(super) fn ends(&self) -> [f64; 2] {
        [self.places[0], self.places[self.places.len() - 1]]
    }

    /// Cosine of a ray to the central plane's normal.
    pub(super) fn cosine(&self, row: usize, column: usize) -> f64 {
        let Some(distance) = self.distance else { return 1.0 };
        let cos = self.places[column].cos();
        let radius = if self.equiangular.is_some() { distance } else { distance / cos };
        cos * radius / radius.hypot(self.heights[row])
    }

    /// Where the centre of a detector shifted by `offset` stands, from the source (the detector's plane for a parallel
    /// beam): [along the outward direction, along u], mm.
    pub(super) fn foot(&self, offset: f64) -> [f64; 2] {
        match (self.distance, self.equiangular) {
            (None, _) => [0.0, offset],
            (Some(distance), None) => [-distance, offset],
            (Some(distance), Some(_)) => [-distance * (offset / distance).cos(), distance * (offset / distance).sin()],
        }
    }

    /// Unit vector of its columns there.
    pub(super) fn tangent(&self, offset: f64, outward: Point, across: Point) -> Point {
        let angle = self.distance.filter(|_| self.equiangular.is_some()).map_or(0.0, |distance| offset / distance);
        let (sin, cos) = angle.sin_cos();
        add(scale(across, cos), scale(outward, sin))
    }
}
