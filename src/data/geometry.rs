//! [`Geometry`]: a scan stored as plain vectors per view, so that projectors need not know the trajectory.

use super::orbit::Orbit;
use super::vectors::{Point, add, cross, dot, norm, normalized, scale, sub};
use super::view::{Source, View};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shape of the detector's surface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DetectorShape {
    /// A plane: pixel (row, column) at centre + (row − row₀) v + (column − column₀) u.
    #[default]
    Flat,
    /// A cylinder about the axis through the source along v; columns at equal angles, pitch |u| measured along the arc.
    Cylindrical,
}

/// The detector's pixels, the same in every view. A detector of a 2-D scan has one row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// Number of pixels along v.
    pub rows: usize,
    /// Number of pixels along u.
    pub columns: usize,
    /// Shape of the surface.
    pub shape: DetectorShape,
}

/// A scan: its views, its detector and, if the trajectory is circular, its orbit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geometry {
    /// One entry per view (exposure).
    pub views: Vec<View>,
    /// Number of pixels and shape of the surface.
    pub detector: Detector,
    /// The circular orbit behind the views, if there is one.
    pub orbit: Option<Orbit>,
}

impl Geometry {
    /// Creates a geometry and checks it.
    ///
    /// # Errors
    /// No views or pixels; vectors that are not finite; linearly dependent pixel vectors; a ray parallel to the
    /// detector; a source on the detector plane; an orbit whose number of angles differs from the number of views.
    pub fn new(views: Vec<View>, detector: Detector, orbit: Option<Orbit>) -> Result<Self> {
        let geometry = Self { views, detector, orbit };
        geometry.check()?;
        Ok(geometry)
    }

    fn check(&self) -> Result<()> {
        if self.views.is_empty() {
            return Err(Error::config("views", "expected at least 1 view, got 0"));
        }
        let pixels =
            self.detector.rows.checked_mul(self.detector.columns).and_then(|n| n.checked_mul(self.views.len()));
        if pixels.is_none_or(|n| n == 0 || n > 1 << 34) {
            let found = (self.views.len(), self.detector.rows, self.detector.columns);
            return Err(Error::config(
                "detector.pixels",
                format!("expected 1 to 2^34 samples, got (views, rows, columns) = {found:?}"),
            ));
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

    /// Shape of the scan's projections: `[views, rows, columns]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        [self.views.len(), self.detector.rows, self.detector.columns]
    }

    /// Number of samples (views × rows × columns).
    #[must_use]
    pub fn samples(&self) -> usize {
        self.shape().iter().product()
    }

    /// The ray through a detector index in a view, as a point on it (world mm) and its unit direction from source to
    /// detector. The index (row, column) counts from the centre of the first pixel and may be fractional. For a point
    /// source the returned point is the source.
    #[must_use]
    pub fn ray(&self, view: usize, row: f64, column: f64) -> (Point, Point) {
        let exposure = &self.views[view];
        let target = self.pixel(view, row, column);
        match exposure.source {
            Source::Point(source) => (source, normalized(sub(target, source))),
            Source::Direction(direction) => (target, normalized(direction)),
        }
    }

    /// World position (mm) of a detector index in a view; the index may be fractional.
    #[must_use]
    pub fn pixel(&self, view: usize, row: f64, column: f64) -> Point {
        let exposure = &self.views[view];
        let (du, dv) =
            (column - (self.detector.columns as f64 - 1.0) / 2.0, row - (self.detector.rows as f64 - 1.0) / 2.0);
        match self.cylinder(view) {
            Some(cylinder) => cylinder.pixel(du, dv),
            None => add(add(exposure.center, scale(exposure.u, du)), scale(exposure.v, dv)),
        }
    }

    /// The detector of a view if it is cylindrical, else `None`.
    fn cylinder(&self, view: usize) -> Option<Cylinder> {
        match (self.detector.shape, self.views[view].source) {
            (DetectorShape::Cylindrical, Source::Point(source)) => Some(Cylinder::new(&self.views[view], source)),
            _ => None,
        }
    }

    /// Detector index (row, column) that the ray through a world point hits in a view; `None` if the point is behind
    /// the source (on a cylinder: more than a quarter turn from the detector's centre).
    #[must_use]
    pub fn project(&self, view: usize, point: Point) -> Option<(f64, f64)> {
        let (row, column) = ((self.detector.rows as f64 - 1.0) / 2.0, (self.detector.columns as f64 - 1.0) / 2.0);
        let found = if let Some(cylinder) = self.cylinder(view) {
            cylinder.project(point)
        } else {
            self.project_flat(view, point)
        };
        found.map(|(dv, du)| (dv + row, du + column))
    }

    /// Projection onto a flat detector: (rows, columns) from its centre.
    fn project_flat(&self, view: usize, point: Point) -> Option<(f64, f64)> {
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
        // Components by the dual basis, so that u and v need not be orthogonal.
        let (across, up) = (cross(exposure.v, normal), cross(normal, exposure.u));
        Some((dot(on, up) / dot(exposure.v, up), dot(on, across) / dot(exposure.u, across)))
    }

    /// The scan with each pixel divided into `rows` × `columns` pixels, whose average approximates the pixel
    /// (sub-rays).
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

    /// The scan moved as a rigid body: every point p goes to R p + t, where `rotation` holds the rows of R and t is in
    /// mm. The result has no orbit, because an [`Orbit`] turns about an axis along z.
    #[must_use]
    pub fn moved(&self, rotation: [Point; 3], translation: Point) -> Self {
        let turn = |p: Point| rotation.map(|row| dot(row, p));
        let place = |p: Point| add(turn(p), translation);
        let source = |source| match source {
            Source::Point(p) => Source::Point(place(p)),
            Source::Direction(d) => Source::Direction(turn(d)),
        };
        let view = |v: &View| View { source: source(v.source), center: place(v.center), u: turn(v.u), v: turn(v.v) };
        Self { views: self.views.iter().map(view).collect(), detector: self.detector, orbit: None }
    }

    /// Some of the views, in the order given, on the same detector.
    ///
    /// The orbit is kept if `views` is every k-th view up to the last one (an ordered subset), which still covers the
    /// arc; for any other choice it is dropped.
    ///
    /// # Errors
    /// As [`Geometry::new`]; a view index out of range.
    pub fn subset(&self, views: &[usize]) -> Result<Self> {
        if let Some(bad) = views.iter().find(|&&i| i >= self.views.len()) {
            return Err(Error::config("views", format!("expected an index below {}, got {bad}", self.views.len())));
        }
        let kept = self.orbit.as_ref().filter(|_| thins_evenly(views, self.views.len()));
        let orbit =
            kept.map(|orbit| Orbit { angles: views.iter().map(|&i| orbit.angles[i]).collect(), ..orbit.clone() });
        Self::new(views.iter().map(|&i| self.views[i]).collect(), self.detector, orbit)
    }
}

/// Whether `views` is every k-th of `total` views, starting at one of the first k.
fn thins_evenly(views: &[usize], total: usize) -> bool {
    let Some(&first) = views.first() else { return false };
    let step = views.get(1).map_or(total, |second| second.saturating_sub(first));
    step > 0 && first < step && views.iter().copied().eq((first..total).step_by(step))
}

/// A cylindrical detector whose axis passes through the source along v. The vector from the source to the detector's
/// centre is split into `arm`, perpendicular to the axis (mm), and `lift`, along the axis (in rows).
struct Cylinder {
    source: Point,
    arm: Point,
    lift: f64,
    u: Point,
    v: Point,
    /// Columns per radian: radius divided by the column pitch.
    per_radian: f64,
}

impl Cylinder {
    fn new(view: &View, source: Point) -> Self {
        let arm = sub(view.center, source);
        let lift = dot(arm, view.v) / dot(view.v, view.v);
        let arm = sub(arm, scale(view.v, lift));
        Self { source, arm, lift, u: view.u, v: view.v, per_radian: norm(arm) / norm(view.u) }
    }

    fn pixel(&self, du: f64, dv: f64) -> Point {
        let (sin, cos) = (du / self.per_radian).sin_cos();
        let turned = add(scale(self.arm, cos), scale(self.u, sin * self.per_radian));
        add(self.source, add(turned, scale(self.v, dv + self.lift)))
    }

    /// Projection onto the cylinder: (rows, columns) from the detector's centre.
    fn project(&self, point: Point) -> Option<(f64, f64)> {
        let ray = sub(point, self.source);
        // ray = depth arm + across (per_radian u) + along v: components in an oblique basis, by its dual basis.
        let basis = [self.arm, scale(self.u, self.per_radian), self.v];
        let [depth, across, along] = [0, 1, 2].map(|k| {
            let normal = cross(basis[(k + 1) % 3], basis[(k + 2) % 3]);
            dot(ray, normal) / dot(basis[k], normal)
        });
        (depth > 0.0).then(|| (along / depth.hypot(across) - self.lift, across.atan2(depth) * self.per_radian))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cone() -> Geometry {
        let view = View {
            source: Source::Point([500.0, 0.0, 0.0]),
            center: [-200.0, 3.0, 1.0],
            u: [0.0, 2.0, 0.0],
            v: [0.0, 0.0, 1.5],
        };
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
    fn a_cylinder_is_everywhere_as_far_from_its_axis_and_projects_back() {
        let mut geometry = cone();
        geometry.detector.shape = DetectorShape::Cylindrical;
        geometry.views[0].center = [-200.0, 0.0, 30.0];
        for (row, column) in [(0.0, 0.0), (1.25, 6.5), (4.0, 7.0)] {
            let pixel = geometry.pixel(0, row, column);
            assert!(((pixel[0] - 500.0).hypot(pixel[1]) - 700.0).abs() < 1e-9);
            assert!((pixel[2] - 30.0 - (row - 2.0) * 1.5).abs() < 1e-9, "rows are level");
            let (origin, direction) = geometry.ray(0, row, column);
            let found = geometry.project(0, add(origin, scale(direction, 300.0))).unwrap();
            assert!((row - found.0).abs() < 1e-9 && (column - found.1).abs() < 1e-9);
        }
        assert!(geometry.project(0, [600.0, 0.0, 0.0]).is_none());
    }

    #[test]
    fn a_moved_scan_sees_moved_points_as_before() {
        let (s, c) = 0.7f64.sin_cos();
        let (rotation, translation) = ([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]], [3.0, -4.0, 5.0]);
        let geometry = cone();
        let point = [10.0, 4.0, -3.0];
        let moved = add(rotation.map(|row| dot(row, point)), translation);
        let (a, b) =
            (geometry.project(0, point).unwrap(), geometry.moved(rotation, translation).project(0, moved).unwrap());
        assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9);
    }

    #[test]
    fn a_subset_keeps_the_orbit_only_where_it_still_covers_the_arc() {
        let angles: Vec<f64> = (0..9).map(f64::from).collect();
        let orbit = Orbit {
            isocenter: [0.0; 3],
            angles,
            arc: 9.0,
            source_to_axis: Some(500.0),
            source_to_detector: Some(700.0),
            offset: [0.0; 2],
        };
        let whole = Geometry::new(vec![cone().views[0]; 9], cone().detector, Some(orbit)).unwrap();
        let part = whole.subset(&[1, 4, 7]).unwrap();
        assert_eq!(part.orbit.unwrap().angles, [1.0, 4.0, 7.0]);
        assert!(whole.subset(&[0, 1, 2]).unwrap().orbit.is_none() && whole.subset(&[7, 4, 1]).unwrap().orbit.is_none());
        assert!(whole.subset(&[3, 9]).is_err() && whole.subset(&[]).is_err());
        assert_eq!(whole.subset(&(0..9).collect::<Vec<_>>()).unwrap(), whole);
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
