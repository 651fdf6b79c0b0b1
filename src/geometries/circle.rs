//! Circular orbit, shared by the parallel, fan and cone beams.
//!
//! About the isocentre: source(θ) = iso + SAD (cos θ, sin θ, 0), u along (−sin θ, cos θ, 0), v along (0, 0, 1), so that
//! u × v points to the source; θ grows from +x to +y and rows grow with +z. A parallel beam is the limit SAD → ∞.

use super::checks;
use super::panel::{Panel, Stand};
use crate::data::{Geometry, Grid, Orbit, Point, Source, View, add, scale};
use crate::error::{Error, Result};

/// Angles of a circular scan as configured, in degrees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc {
    pub(super) views: usize,
    pub(super) arc_deg: f64,
    pub(super) start_deg: f64,
    /// Arc after which views repeat; an arc of whole periods leaves its end point out.
    pub(super) period_deg: f64,
}

impl Arc {
    /// Angles in radians of `views` equally spaced views from the start. An arc that is a whole number of periods
    /// leaves its end point out (step arc / views); any other arc includes it (step arc / (views − 1)).
    pub(super) fn angles(&self) -> Result<Vec<f64>> {
        checks::views(self.views)?;
        if !self.arc_deg.is_finite() || self.arc_deg == 0.0 || self.arc_deg.abs() > 360.0 {
            let problem = format!("expected degrees between -360 and 360, not 0, got {}", self.arc_deg);
            return Err(Error::config("arc_deg", problem).hint("a negative arc turns from +y to +x"));
        }
        if !self.start_deg.is_finite() {
            return Err(Error::config("start_deg", format!("expected finite degrees, got {}", self.start_deg)));
        }
        let periods = self.arc_deg / self.period_deg;
        let full = (periods - periods.round()).abs() < 1e-9;
        let steps = if full { self.views } else { (self.views - 1).max(1) };
        let step = self.arc_deg / steps as f64;
        Ok((0..self.views).map(|i| (self.start_deg + i as f64 * step).to_radians()).collect())
    }
}

/// The configured isocentre (world mm) or else the volume's centre, checked.
pub(super) fn isocenter(configured: Option<Point>, volume: &Grid) -> Result<Point> {
    let point = configured.unwrap_or_else(|| volume.center());
    if point.iter().any(|x| !x.is_finite()) {
        return Err(Error::config("isocenter_mm", format!("expected finite mm, got {point:?}")));
    }
    let height = point[2] - volume.center()[2];
    if volume.is_2d() && height.abs() > 1e-6 * volume.spacing[0] {
        let problem = format!(
            "expected an isocentre in the plane of the 2-D volume (z = {} mm), got z = {} mm",
            volume.center()[2],
            point[2]
        );
        return Err(Error::config("isocenter_mm", problem));
    }
    Ok(point)
}

/// Distances of source and detector from the axis of rotation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Distances {
    /// Distance from source to axis, mm; `None` for a parallel beam.
    pub(super) source: Option<f64>,
    /// Distance from axis to detector, mm.
    pub(super) detector: f64,
}

/// The exposure at a source angle (radians), with the source at the height of the isocentre.
pub(super) fn exposure(angle: f64, isocenter: Point, distances: Distances, panel: &Panel) -> View {
    let (sin, cos) = angle.sin_cos();
    let (outward, across, up) = ([cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]);
    let source = match distances.source {
        Some(distance) => Source::Point(add(isocenter, scale(outward, distance))),
        None => Source::Direction(scale(outward, -1.0)),
    };
    panel.view(source, Stand { foot: add(isocenter, scale(outward, -distances.detector)), across, up })
}

/// Builds the geometry of a circular scan.
pub(super) fn scan(
    angles: Vec<f64>,
    arc_deg: f64,
    isocenter: Point,
    distances: Distances,
    panel: &Panel,
) -> Result<Geometry> {
    let view = |&angle: &f64| exposure(angle, isocenter, distances, panel);
    let views = angles.iter().map(view).collect();
    let orbit = Orbit {
        isocenter,
        angles,
        arc: arc_deg.to_radians().abs(),
        source_to_axis: distances.source,
        source_to_detector: distances.source.map(|source| source + distances.detector),
        offset: panel.offset,
    };
    Geometry::new(views, panel.detector, Some(orbit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degrees(views: usize, arc_deg: f64, period_deg: f64) -> Vec<f64> {
        let arc = Arc { views, arc_deg, start_deg: 10.0, period_deg };
        arc.angles().unwrap().iter().map(|angle| angle.to_degrees().round()).collect()
    }

    #[test]
    fn full_arcs_leave_their_end_point_out_and_partial_arcs_include_it() {
        assert_eq!(degrees(4, 360.0, 360.0), [10.0, 100.0, 190.0, 280.0]);
        assert_eq!(degrees(4, 180.0, 180.0), [10.0, 55.0, 100.0, 145.0]);
        assert_eq!(degrees(4, 180.0, 360.0), [10.0, 70.0, 130.0, 190.0]);
        assert_eq!(degrees(3, -90.0, 360.0), [10.0, -35.0, -80.0]);
        assert_eq!(degrees(1, 90.0, 360.0), [10.0]);
    }
}
