//! Laminography: the axis of rotation is tilted instead of perpendicular to the beam, for flat objects that cannot be
//! turned edge-on to the beam.
//!
//! In the object's frame the source runs on a circle above the object. With the tilt α, source(θ) = iso + SAD o, o =
//! (cos α cos θ, cos α sin θ, sin α), detector centre = iso − (SDD − SAD) o, u = (−sin θ, cos θ, 0), v = o × u. α = 0
//! is a circular scan; synchrotron laminography has a parallel beam and α ≈ 30 to 60 degrees (the laminographic angle
//! between beam and axis is 90° − α). Helfen et al., Appl. Phys. Lett. 86 (2005) 071915.

use super::checks;
use super::circle::{self, Arc};
use super::detector::{self, Shadow};
use super::panel::{Panel, Stand};
use super::{MeasuredKeys, Trajectory};
use crate::data::{Geometry, Grid, Point, Source, add, cross, scale};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `laminography: {views, arc_deg, start_deg, axis_tilt_deg, source_to_axis_mm, source_to_detector_mm, isocenter_mm,
/// detector}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of views, equally spaced.
    pub views: usize,
    /// Angular range covered, degrees, -360 to 360 and not 0; 360 leaves the end point out, other arcs include it;
    /// negative turns from +y to +x.
    pub arc_deg: f64,
    /// Angle of the source in the first view, degrees, measured from +x towards +y.
    pub start_deg: f64,
    /// Tilt of the axis of rotation from the perpendicular to the beam, degrees, -89 to 89; 0 is a circular scan.
    pub axis_tilt_deg: f64,
    /// Distance from the source to the isocentre, mm; null for this and the next key (default) is a parallel beam.
    pub source_to_axis_mm: Option<f64>,
    /// Distance from the source to the detector, mm; larger than source_to_axis_mm.
    pub source_to_detector_mm: Option<f64>,
    /// Isocentre: point [x, y, z] in mm where the central rays meet; null (default) takes the centre of the volume.
    pub isocenter_mm: Option<Point>,
    /// Number, pitch and position of the detector's pixels.
    pub detector: detector::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            views: 120,
            arc_deg: 360.0,
            start_deg: 0.0,
            axis_tilt_deg: 30.0,
            source_to_axis_mm: None,
            source_to_detector_mm: None,
            isocenter_mm: None,
            detector: detector::Config::default(),
        }
    }
}

impl Trajectory for Config {
    fn build(&self, volume: &Grid) -> Result<Geometry> {
        let angles =
            Arc { views: self.views, arc_deg: self.arc_deg, start_deg: self.start_deg, period_deg: 360.0 }.angles()?;
        if !self.axis_tilt_deg.is_finite() || self.axis_tilt_deg.abs() > 89.0 {
            let problem = format!("expected degrees between -89 and 89, got {}", self.axis_tilt_deg);
            return Err(Error::config("axis_tilt_deg", problem).hint("it is counted from an axis across the beam"));
        }
        let distances = self.distances()?;
        checks::solid(volume, "laminography")?;
        self.detector.check_stance(distances.is_none(), false)?;
        let isocenter = circle::isocenter(self.isocenter_mm, volume)?;
        let scan = |panel: &Panel| {
            let views = angles.iter().map(|&angle| self.exposure(angle, isocenter, distances, volume, panel));
            Geometry::new(views.collect(), panel.detector, None)
        };
        let magnification = distances.map_or(1.0, |(axis, detector)| detector / axis);
        let pitch = [volume.spacing[0], volume.spacing[1].min(volume.spacing[2])].map(|mm| mm * magnification);
        let mut shadow = Shadow { extent: [[0.0; 2]; 2], pitch };
        if self.detector.is_auto() {
            shadow = Shadow::of_views(&scan(&Panel { offset: [0.0; 2], ..self.detector.probe() })?, volume, pitch)?;
        }
        let geometry = scan(&self.detector.resolve(&shadow, false)?)?;
        checks::sources(&geometry, volume, distances.map_or(0.0, |(axis, _)| axis))?;
        Ok(geometry)
    }

    fn measured(&mut self) -> Result<Option<MeasuredKeys<'_>>> {
        Ok(Some(MeasuredKeys {
            views: &mut self.views,
            start_deg: Some(&mut self.start_deg),
            isocenter_mm: self.isocenter_mm,
            detector: &mut self.detector,
        }))
    }

    fn reverse(&mut self) {
        (self.start_deg, self.arc_deg) = (-self.start_deg, -self.arc_deg);
    }
}

impl Config {
    /// Distances (mm) from the source to the isocentre and to the detector; `None` for a parallel beam.
    fn distances(&self) -> Result<Option<(f64, f64)>> {
        match (self.source_to_axis_mm, self.source_to_detector_mm) {
            (None, None) => Ok(None),
            (Some(axis), Some(detector)) => checks::distances(axis, detector).map(|()| Some((axis, detector))),
            (Some(_), None) => Err(Error::config(
                "source_to_detector_mm",
                "expected a distance in mm beside source_to_axis_mm, got none",
            )
            .hint("a parallel beam has neither")),
            (None, Some(_)) => Err(Error::config(
                "source_to_axis_mm",
                "expected a distance in mm beside source_to_detector_mm, got none",
            )
            .hint("a parallel beam has neither")),
        }
    }

    fn exposure(
        &self,
        angle: f64,
        isocenter: Point,
        distances: Option<(f64, f64)>,
        volume: &Grid,
        panel: &Panel,
    ) -> crate::data::View {
        let ((sin, cos), (up, level)) = (angle.sin_cos(), self.axis_tilt_deg.to_radians().sin_cos());
        let (outward, across) = ([level * cos, level * sin, up], [-sin, cos, 0.0]);
        // The detector's distance does not change the rays of a parallel beam; it is drawn outside the volume to keep
        // figures readable.
        let (source, behind) = match distances {
            Some((axis, detector)) => (Source::Point(add(isocenter, scale(outward, axis))), detector - axis),
            None => (Source::Direction(scale(outward, -1.0)), 2.0 * volume.half_extent()),
        };
        panel.view(source, Stand { foot: add(isocenter, scale(outward, -behind)), across, up: cross(outward, across) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{dot, norm, sub};

    fn volume() -> Grid {
        Grid::centered([4, 20, 24], [1.0; 3], [5.0, 6.0, 7.0]).unwrap()
    }

    fn built(yaml: &str) -> Result<Geometry> {
        serde_yaml::from_str::<Config>(yaml).unwrap().build(&volume())
    }

    #[test]
    fn without_a_tilt_it_is_the_circular_scan() {
        let yaml =
            "views: 7, source_to_axis_mm: 300, source_to_detector_mm: 500, detector: {pixels: [9, 8], pitch_mm: 2}";
        let flat = built(&format!("{{{yaml}, axis_tilt_deg: 0}}")).unwrap();
        let circle = serde_yaml::from_str::<super::super::cone::Config>(&format!("{{{yaml}}}"))
            .unwrap()
            .build(&volume())
            .unwrap();
        for (a, b) in flat.views.iter().zip(&circle.views) {
            assert!(norm(sub(a.center, b.center)) < 1e-9 && norm(sub(a.v, b.v)) < 1e-12 && norm(sub(a.u, b.u)) < 1e-12);
        }
    }

    #[test]
    fn the_beam_meets_the_axis_at_the_laminographic_angle() {
        for view in &built("axis_tilt_deg: 35").unwrap().views {
            let Source::Direction(direction) = view.source else { unreachable!("a parallel beam") };
            assert!((dot(direction, [0.0, 0.0, -1.0]).acos().to_degrees() - 55.0).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_no_laminography_is_refused() {
        assert!(built("axis_tilt_deg: 90").unwrap_err().to_string().starts_with("axis_tilt_deg:"));
        assert!(built("source_to_axis_mm: 100").unwrap_err().to_string().starts_with("source_to_detector_mm:"));
        assert!(built("source_to_detector_mm: 100").unwrap_err().to_string().starts_with("source_to_axis_mm:"));
        let slice = Grid::centered([1, 4, 4], [1.0; 3], [0.0; 3]).unwrap();
        assert!(Config::default().build(&slice).unwrap_err().to_string().contains("3-D volume"));
    }
}
