//! [`Geometry`]: every exposure of a scan as plain vectors, so that no projector knows an orbit.

use super::vectors::{Point, add, cross, dot, norm, normalized, scale, sub};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Where the rays of a view come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A focal spot (fan and cone beam), world mm.
    Point(Point),
    /// Unit vector along which all rays travel (parallel beam).
    Direction(Point),
}

/// One exposure in world mm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Where the rays come from.
    pub source: Source,
    /// World position of detector index ((rows − 1)/2, (columns − 1)/2), mm.
    pub center: Point,
    /// Vector from one column to the next, mm.
    pub u: Point,
    /// Vector from one row to the next, mm.
    pub v: Point,
}

/// Form of the detector's surface.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorShape {
    /// A plane: pixel (row, column) at centre + (row − row₀) v + (column − column₀) u.
    Flat,
    /// A cylinder about the axis through the source along v, columns at equal angles (pitch |u| on the arc).
    Cylindrical,
}

/// The detector's pixels, the same in every view. A 2-D scan has one row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// Pixels along v.
    pub rows: usize,
    /// Pixels along u.
    pub columns: usize,
    /// Form of the surface.
    pub shape: DetectorShape,
}

/// The circular orbit that views were made from, where they were: analytic methods need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orbit {
    /// Centre of rotation, world mm.
    pub isocenter: Point,
    /// Source angle of each view, radians, growing from +x to +y.
    pub angles: Vec<f64>,
    /// Angle covered, radians; the end point is left out for full arcs.
    pub arc: f64,
    /// Source to axis, mm; `None` for a parallel beam.
    pub source_to_axis: Option<f64>,
    /// Source to detector, mm; `None` for a parallel beam.
    pub source_to_detector: Option<f64>,
    /// Shift of the detector's centre `[v, u]` from the central ray, mm.
    pub offset: [f64; 2],
}

/// A scan: its exposures, its detector and, if it was one, its orbit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geometry {
    /// One entry per exposure.
    pub views: Vec<View>,
    /// The pixels.
    pub detector: Detector,
    /// The circular orbit behind the views, if there is one.
    pub orbit: Option<Orbit>,
}

impl Geometry {
    /// A checked geometry.
    ///
    /// # Errors
    /// No views or pixels, vectors that are not finite, a degenerate pixel, a ray parallel to the detector, a source on
    /// the detector plane, an orbit of another length than the views.
    pub fn new(views: Vec<View>, detector: Detector, orbit: Option<Orbit>) -> Result<Self> {
        let geometry = Self { views, detector, orbit };
        geometry.check()?;
        Ok(geometry)
    }

    fn check(&self) -> Result<()> {
        if self.views.is_empty() {
            return Err(Error::config("views", "expected at least 1 view, got 0"));
        }
        let pixels = self.detector.rows.checked_mul(self.detector.columns).and_then(|n| n.checked_mul(self.views.len()));
        if pixels.is_none_or(|n| n == 0 || n > 1 << 34) {
            let found = (self.views.len(), self.detector.rows, self.detector.columns);
            return Err(Error::config("detector.pixels", format!("expected 1 to 2^34 samples, got (views, rows, columns) = {found:?}")));
        }
        for (i, view) in self.views.iter().enumerate() {
            view.check().map_err(|error| error.under(&format!("views[{i}]")))?;
        }
        match &self.orbit {
            Some(orbit) if orbit.angles.len() != self.views.len() => Err(Error::config(
                "orbit.angles",
                format!("expected one angle per view ({}), got {}", self.views.len(), orbit.angles.len()),
            )),
            _ => Ok(()),
        }
    }

    /// Shape of the projections this scan gives: `[views, rows, columns]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        [self.views.len(), self.detector.rows, self.detector.columns]
    }

    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.shape().iter().product()
    }

    /// The ray of a detector index (fractions allowed; (row, column) counted from the first pixel's centre) in a view:
    /// a point on it and its unit direction from source to detector, world mm. The point is the source for a point source.
    #[must_use]
    pub fn ray(&self, view: usize, row: f64, column: f64) -> (Point, Point) {
        let exposure = &self.views[view];
        let target = self.pixel(view, row, column);
        match exposure.source {
            Source::Point(source) => (source, normalized(sub(target, source))),
            Source::Direction(direction) => (target, normalized(direction)),
        }
    }

    /// World position (mm) of a detector index (fractions allowed) in a view.
    #[must_use]
    pub fn pixel(&self, view: usize, row: f64, column: f64) -> Point {
        let exposure = &self.views[view];
        let (du, dv) = (column - (self.detector.columns as f64 - 1.0) / 2.0, row - (self.detector.rows as f64 - 1.0) / 2.0);
        let along_v = scale(exposure.v, dv);
        match (self.detector.shape, exposure.source) {
            (DetectorShape::Cylindrical, Source::Point(source)) => {
                let arm = sub(exposure.center, source);
                let pitch = norm(exposure.u);
                let angle = du * pitch / norm(arm);
                let (sin, cos) = angle.sin_cos();
                let turned = add(scale(arm, cos), scale(exposure.u, sin * norm(arm) / pitch));
                add(add(source, turned), along_v)
            }
            _ => add(add(exposure.center, scale(exposure.u, du)), along_v),
        }
    }

    /// Detector index (row, column) that the ray through a world point hits in a view; `None` behind or beside the source.
    /// Flat detectors only.
    #[must_use]
    pub fn project(&self, view: usize, point: Point) -> Option<(f64, f64)> {
        let exposure = &self.views[view];
        let normal = cross(exposure.u, exposure.v);
        let to_plane = dot(sub(exposure.center, point), normal);
        let hit = match exposure.source {
            Source::Direction(direction) => add(point, scale(direction, to_plane / dot(direction, normal))),
            Source::Point(source) => {
                let direction = sub(point, source);
                let (full, part) = (dot(sub(exposure.center, source), normal), dot(direction, normal));
                if part * full <= 0.0 {
                    return None;
                }
                add(source, scale(direction, full / part))
            }
        };
        let on = sub(hit, exposure.center);
        let (u2, v2) = (dot(exposure.u, exposure.u), dot(exposure.v, exposure.v));
        Some((
            dot(on, exposure.v) / v2 + (self.detector.rows as f64 - 1.0) / 2.0,
            dot(on, exposure.u) / u2 + (self.detector.columns as f64 - 1.0) / 2.0,
        ))
    }

    /// The scan with `factor` x `factor` times the detector pixels, each pixel divided (for averaging over sub-rays).
    #[must_use]
    pub fn subdivided(&self, rows: usize, columns: usize) -> Self {
        let mut fine = self.clone();
        fine.detector.rows *= rows;
        fine.detector.columns *= columns;
        for view in &mut fine.views {
            view.u = scale(view.u, 1.0 / columns as f64);
            view.v = scale(view.v, 1.0 / rows as f64);
        }
        fine
    }

    /// Some of the views, in the order given.
    ///
    /// # Errors
    /// As [`Geometry::new`]; a view index out of range.
    pub fn subset(&self, views: &[usize]) -> Result<Self> {
        if let Some(bad) = views.iter().find(|&&i| i >= self.views.len()) {
            return Err(Error::config("views", format!("expected an index below {}, got {bad}", self.views.len())));
        }
        let orbit = self.orbit.as_ref().map(|orbit| Orbit { angles: views.iter().map(|&i| orbit.angles[i]).collect(), ..orbit.clone() });
        Self::new(views.iter().map(|&i| self.views[i]).collect(), self.detector, orbit)
    }
}

impl View {
    fn check(&self) -> Result<()> {
        let vectors = match self.source {
            Source::Point(p) | Source::Direction(p) => [p, self.center, self.u, self.v],
        };
        if vectors.iter().flatten().any(|x| !x.is_finite()) {
            return Err(Error::config("", format!("expected finite vectors, got {self:?}")));
        }
        let normal = cross(self.u, self.v);
        let area = norm(self.u) * norm(self.v);
        if area <= 0.0 || norm(normal) < 1e-6 * area {
            return Err(Error::config("", format!("expected two independent pixel vectors, got u {:?} and v {:?} mm", self.u, self.v)));
        }
        let (arm, name) = match self.source {
            Source::Point(source) => (sub(self.center, source), "a source off the detector plane"),
            Source::Direction(direction) => (direction, "rays that are not parallel to the detector"),
        };
        if norm(arm) <= 0.0 || (dot(arm, normal) / (norm(arm) * norm(normal))).abs() < 1e-6 {
            return Err(Error::config("", format!("expected {name}, got source {:?} and detector centre {:?}", self.source, self.center)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cone() -> Geometry {
        let view = View { source: Source::Point([500.0, 0.0, 0.0]), center: [-200.0, 3.0, 1.0], u: [0.0, 2.0, 0.0], v: [0.0, 0.0, 1.5] };
        Geometry::new(vec![view], Detector { rows: 5, columns: 8, shape: DetectorShape::Flat }, None).unwrap()
    }

    #[test]
    fn projecting_a_point_of_a_ray_gives_its_pixel() {
        let geometry = cone();
        let (origin, direction) = geometry.ray(0, 1.25, 6.5);
        let (row, column) = geometry.project(0, add(origin, scale(direction, 300.0))).unwrap();
        assert!((row - 1.25).abs() < 1e-9 && (column - 6.5).abs() < 1e-9);
        assert!(geometry.project(0, [600.0, 0.0, 0.0]).is_none());
    }

    #[test]
    fn subdivided_pixels_average_to_the_pixel() {
        let geometry = cone();
        let fine = geometry.subdivided(2, 3);
        let mean = (0..6).map(|k| fine.pixel(0, f64::from(2 + k / 3), f64::from(3 + k % 3))).fold([0.0; 3], add);
        assert!(norm(sub(scale(mean, 1.0 / 6.0), geometry.pixel(0, 1.0, 1.0))) < 1e-9);
    }

    #[test]
    fn degenerate_views_are_refused() {
        let good = cone();
        for change in [
            |v: &mut View| v.u = [0.0; 3],
            |v: &mut View| v.u = v.v,
            |v: &mut View| v.center = [500.0, 9.0, 0.0],
            |v: &mut View| v.center = [f64::NAN, 9.0, 0.0],
        ] {
            let mut view = good.views[0];
            change(&mut view);
            assert!(Geometry::new(vec![view], good.detector, None).is_err());
        }
        assert!(Geometry::new(vec![], good.detector, None).is_err());
    }
}
