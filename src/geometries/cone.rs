//! Circular cone beam with a flat or cylindrical detector; on a 2-D volume it is a fan beam.
//!
//! The magnification at the axis is SDD / SAD. The projection (shadow) of a cylinder of radius R about the axis reaches
//! u = ± SDD R / √(SAD² − R²) on a flat detector and ± SDD asin(R / SAD) along a cylindrical one (rays tangent to the
//! cylinder), and v = z SDD / (SAD − R) (the edge nearest to the source).

use super::checks;
use super::circle::{self, Arc, Distances};
use super::detector::{self, Cylinder, Shadow};
use super::panel::Panel;
use super::{MeasuredKeys, Trajectory};
use crate::data::{DetectorShape, Geometry, Grid, Point};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `cone: {views, arc_deg, start_deg, source_to_axis_mm, source_to_detector_mm, isocenter_mm, detector}`.
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
    /// Distance from the source to the axis of rotation, mm.
    pub source_to_axis_mm: f64,
    /// Distance from the source to the detector, mm; larger than source_to_axis_mm.
    pub source_to_detector_mm: f64,
    /// Isocentre: point [x, y, z] in mm on the axis of rotation, at the height of the source; null (default) takes the
    /// centre of the volume.
    pub isocenter_mm: Option<Point>,
    /// Number, pitch and position of the detector's pixels.
    pub detector: detector::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            views: 40,
            arc_deg: 360.0,
            start_deg: 0.0,
            source_to_axis_mm: 1000.0,
            source_to_detector_mm: 1500.0,
            isocenter_mm: None,
            detector: detector::Config::default(),
        }
    }
}

impl Trajectory for Config {
    fn build(&self, volume: &Grid) -> Result<Geometry> {
        let angles =
            Arc { views: self.views, arc_deg: self.arc_deg, start_deg: self.start_deg, period_deg: 360.0 }.angles()?;
        checks::distances(self.source_to_axis_mm, self.source_to_detector_mm)?;
        self.detector.check_stance(false, volume.is_2d())?;
        let isocenter = circle::isocenter(self.isocenter_mm, volume)?;
        let (source, detector) = (self.source_to_axis_mm, self.source_to_detector_mm - self.source_to_axis_mm);
        let scan = |panel: &Panel| {
            circle::scan(angles.clone(), self.arc_deg, isocenter, Distances { source: Some(source), detector }, panel)
        };
        let mut shadow = self.shadow(volume, isocenter)?;
        if self.detector.is_auto() && !self.detector.is_upright() && self.detector.shape == DetectorShape::Flat {
            shadow =
                Shadow::of_views(&scan(&Panel { offset: [0.0; 2], ..self.detector.probe() })?, volume, shadow.pitch)?;
        }
        let geometry = scan(&self.detector.resolve(&shadow, volume.is_2d())?)?;
        checks::sources(&geometry, volume, source)?;
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
    /// Shadow of the volume's circumscribed cylinder; an automatic detector needs the source to stay outside that
    /// cylinder.
    fn shadow(&self, volume: &Grid, isocenter: Point) -> Result<Shadow> {
        let Cylinder { radius, z } = Cylinder::around(volume, isocenter);
        let (axis, detector) = (self.source_to_axis_mm, self.source_to_detector_mm);
        if self.detector.is_auto() && radius >= axis {
            return Err(too_near(radius, axis));
        }
        // Above (below) the source's height the nearest edge of the cylinder projects farthest, else the most distant
        // edge.
        let shade = |z: f64, outward: bool| z * detector / if outward { axis - radius } else { axis + radius };
        let half = match self.detector.shape {
            DetectorShape::Flat => detector * radius / (axis * axis - radius * radius).sqrt(),
            DetectorShape::Cylindrical => detector * (radius / axis).asin(),
        };
        let magnification = detector / axis;
        let voxel = [volume.spacing[0], volume.spacing[1].min(volume.spacing[2])];
        Ok(Shadow {
            extent: [[shade(z[0], z[0] < 0.0), shade(z[1], z[1] > 0.0)], [-half, half]],
            pitch: voxel.map(|mm| mm * magnification),
        })
    }
}

/// The error for a source that is `axis` mm from the axis of rotation, while the volume reaches `radius` mm from it.
fn too_near(radius: f64, axis: f64) -> Error {
    let problem =
        format!("expected more than {radius:.1} mm, the reach of the volume's corners from the axis, got {axis}");
    Error::config("source_to_axis_mm", problem).hint(
        "the source would pass through the volume: move it away, crop the volume, or give detector.pixels and \
         detector.pitch_mm",
    )
}

#[cfg(test)]
mod tests {
    use super::super::truncation::truncation;
    use super::*;

    fn volume() -> Grid {
        Grid::centered([20, 30, 40], [2.0, 1.5, 1.0], [5.0, 6.0, 7.0]).unwrap()
    }

    fn refused(yaml: &str) -> String {
        serde_yaml::from_str::<Config>(yaml).unwrap().build(&volume()).unwrap_err().to_string()
    }

    #[test]
    fn the_automatic_detector_covers_the_volume_closely() {
        for yaml in [
            "{views: 90}",
            "{views: 90, isocenter_mm: [20, 0, 40]}",
            "{views: 90, source_to_axis_mm: 60, source_to_detector_mm: 100}",
        ] {
            let mut config: Config = serde_yaml::from_str(yaml).unwrap();
            let geometry = config.build(&volume()).unwrap();
            assert_eq!(truncation(&geometry, &volume()).views, 0, "{yaml}");
            let panel = geometry.detector;
            // Five percent less on either side is too small.
            let fewer = |n: usize| (n as f64 * 0.95) as usize;
            for pixels in [[fewer(panel.rows), panel.columns], [panel.rows, fewer(panel.columns)]] {
                let pitch = [geometry.views[0].v[2], geometry.views[0].u[1]];
                config.detector.pixels = super::super::PerAxis::Two(pixels);
                config.detector.pitch_mm = super::super::PerAxis::Two(pitch);
                assert!(truncation(&config.build(&volume()).unwrap(), &volume()).views > 0, "{yaml} {pixels:?}");
            }
        }
    }

    #[test]
    fn an_automatic_pixel_is_as_wide_as_a_voxel_at_the_axis() {
        let geometry = Config::default().build(&volume()).unwrap();
        let view = geometry.views[0];
        assert!((view.v[2] - 3.0).abs() < 1e-12 && (view.u[1] - 1.5).abs() < 1e-12);
    }

    #[test]
    fn impossible_scans_are_refused_with_key_and_fix() {
        assert!(refused("views: 0").starts_with("views:"));
        assert!(refused("arc_deg: 0").starts_with("arc_deg:"));
        assert!(refused("start_deg: .nan").starts_with("start_deg:"));
        assert!(refused("source_to_axis_mm: -5").starts_with("source_to_axis_mm:"));
        assert!(refused("source_to_axis_mm: .inf").starts_with("source_to_axis_mm:"));
        assert!(refused("source_to_detector_mm: -1500").contains("behind the source"));
        assert!(refused("source_to_detector_mm: 1000").contains("between source and axis"));
        assert!(refused("source_to_axis_mm: 10").contains("through the volume"));
        assert!(refused("{source_to_axis_mm: 10, detector: {pixels: [4, 4], pitch_mm: 1}}").contains("it is inside"));
        assert!(refused("isocenter_mm: [.nan, 0, 0]").starts_with("isocenter_mm:"));
        assert!(refused("detector: {pitch_mm: 0}").starts_with("detector.pitch_mm:"));
        assert!(refused("detector: {pitch_mm: 1.0e-300}").starts_with("detector.pixels:"));
    }

    #[test]
    fn a_plane_is_scanned_in_its_own_height() {
        let slice = Grid::centered([1, 30, 40], [1.0; 3], [5.0, 6.0, 7.0]).unwrap();
        let geometry = Config::default().build(&slice).unwrap();
        assert_eq!(geometry.detector.rows, 1);
        assert_eq!(geometry.views[3].center[2], 7.0);
        let off: Config = serde_yaml::from_str("isocenter_mm: [5, 6, 0]").unwrap();
        assert!(off.build(&slice).unwrap_err().to_string().contains("in the plane"));
    }
}
