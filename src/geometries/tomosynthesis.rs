//! Tomosynthesis: the source moves along an arc or a line over a detector that stands still.
//!
//! Let o = (cos φ, sin φ, 0) be the direction from the isocentre to the middle of the source's path and e the direction
//! of motion (u or v). On an arc, source(ψ) = iso + SAD (cos ψ o + sin ψ e) with evenly spaced sweep angles ψ, as in
//! breast tomosynthesis; on a line, source(ψ) = iso + SAD (o + tan ψ e) with evenly spaced positions, as in chest
//! tomosynthesis. The detector's centre stays at iso − (SDD − SAD) o. Dobbins and Godfrey, Phys. Med. Biol. 48 (2003)
//! R65.

use super::checks;
use super::circle;
use super::detector::{self, Shadow};
use super::panel::{Panel, Stand};
use super::{MeasuredKeys, Trajectory};
use crate::data::{DetectorShape, Geometry, Grid, Point, Source, add, scale};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Path of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// An arc about the isocentre.
    Arc,
    /// A straight line parallel to the detector.
    Line,
}

/// Direction of the source's motion relative to the detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Along {
    /// Along u, the direction of the rows, in the axial plane.
    U,
    /// Along v, the direction of the columns, which is z.
    V,
}

/// `tomosynthesis: {views, arc_deg, path, along, direction_deg, source_to_axis_mm, source_to_detector_mm, isocenter_mm,
/// detector}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of views.
    pub views: usize,
    /// Angle swept about the isocentre, degrees, between -180 and 180 and not 0; end points included, one half on each
    /// side of the middle.
    pub arc_deg: f64,
    /// Path of the source: arc (default) or line.
    pub path: Path,
    /// Direction of the motion: u (default, in the axial plane) or v (along z).
    pub along: Along,
    /// Direction from the isocentre to the middle of the sweep, degrees, measured from +x towards +y; 270 is in front
    /// of the patient.
    pub direction_deg: f64,
    /// Distance from the isocentre to the source in the middle of the sweep, mm.
    pub source_to_axis_mm: f64,
    /// Distance from that source position to the detector, mm; larger than source_to_axis_mm.
    pub source_to_detector_mm: f64,
    /// Isocentre: point [x, y, z] in mm about which the source sweeps; null (default) takes the centre of the volume.
    pub isocenter_mm: Option<Point>,
    /// Number, pitch and position of the detector's pixels.
    pub detector: detector::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            views: 15,
            arc_deg: 40.0,
            path: Path::Arc,
            along: Along::U,
            direction_deg: 270.0,
            source_to_axis_mm: 1000.0,
            source_to_detector_mm: 1200.0,
            isocenter_mm: None,
            detector: detector::Config::default(),
        }
    }
}

impl Trajectory for Config {
    fn build(&self, volume: &Grid) -> Result<Geometry> {
        checks::views(self.views)?;
        if !self.arc_deg.is_finite() || self.arc_deg == 0.0 || self.arc_deg.abs() >= 180.0 {
            let problem = format!("expected degrees between -180 and 180, not 0, got {}", self.arc_deg);
            return Err(Error::config("arc_deg", problem).hint("a wider sweep is a `cone` with arc_deg"));
        }
        checks::finite("direction_deg", self.direction_deg)?;
        checks::distances(self.source_to_axis_mm, self.source_to_detector_mm)?;
        if volume.is_2d() && self.along == Along::V {
            return Err(Error::config("along", "expected u for a 2-D volume, got v: the rays would leave its plane"));
        }
        if self.detector.shape == DetectorShape::Cylindrical {
            return Err(Error::config(
                "detector.shape",
                "expected flat, got cylindrical: its axis would have to follow the source",
            ));
        }
        self.detector.check_stance(false, volume.is_2d())?;
        let isocenter = circle::isocenter(self.isocenter_mm, volume)?;
        let scan = |panel: &Panel| {
            let views = self
                .sources(isocenter)
                .into_iter()
                .map(|source| panel.view(Source::Point(source), self.stand(isocenter)));
            Geometry::new(views.collect(), panel.detector, None)
        };
        let magnification = self.source_to_detector_mm / self.source_to_axis_mm;
        let pitch = [volume.spacing[0], volume.spacing[1].min(volume.spacing[2])].map(|mm| mm * magnification);
        let mut shadow = Shadow { extent: [[0.0; 2]; 2], pitch };
        if self.detector.is_auto() {
            let probe = Panel { offset: [0.0; 2], ..self.detector.probe() };
            shadow = scan(&probe).and_then(|scan| Shadow::of_views(&scan, volume, pitch))?;
        }
        let geometry = scan(&self.detector.resolve(&shadow, volume.is_2d())?)?;
        self.check_heights(isocenter)?;
        checks::sources(&geometry, volume, self.source_to_axis_mm)?;
        Ok(geometry)
    }

    fn measured(&mut self) -> Result<Option<MeasuredKeys<'_>>> {
        Ok(Some(MeasuredKeys {
            views: &mut self.views,
            start_deg: None,
            isocenter_mm: self.isocenter_mm,
            detector: &mut self.detector,
        }))
    }

    fn reverse(&mut self) {
        (self.direction_deg, self.arc_deg) = (-self.direction_deg, -self.arc_deg);
    }
}

impl Config {
    /// Unit vectors from the isocentre to the middle of the sweep, and perpendicular to it in the axial plane.
    fn axes(&self) -> [Point; 2] {
        let (sin, cos) = self.direction_deg.to_radians().sin_cos();
        [[cos, sin, 0.0], [-sin, cos, 0.0]]
    }

    fn stand(&self, isocenter: Point) -> Stand {
        let [outward, across] = self.axes();
        let foot = add(isocenter, scale(outward, self.source_to_axis_mm - self.source_to_detector_mm));
        Stand { foot, across, up: [0.0, 0.0, 1.0] }
    }

    fn sources(&self, isocenter: Point) -> Vec<Point> {
        let [outward, across] = self.axes();
        let motion = if self.along == Along::U { across } else { [0.0, 0.0, 1.0] };
        let half = self.arc_deg.to_radians() / 2.0;
        let place = |i: usize| {
            // From -1 to 1; a single view is at the middle.
            let part = if self.views == 1 { 0.0 } else { 2.0 * i as f64 / (self.views - 1) as f64 - 1.0 };
            let (out, aside) = match self.path {
                Path::Arc => ((half * part).cos(), (half * part).sin()),
                Path::Line => (1.0, half.tan() * part),
            };
            add(isocenter, scale(add(scale(outward, out), scale(motion, aside)), self.source_to_axis_mm))
        };
        (0..self.views).map(place).collect()
    }

    /// Checks that the source stays on its side of the detector plane over the whole sweep.
    fn check_heights(&self, isocenter: Point) -> Result<()> {
        let [outward, _] = self.axes();
        let plane = self.source_to_axis_mm - self.source_to_detector_mm;
        let low = |source: &Point| crate::data::dot(crate::data::sub(*source, isocenter), outward) <= plane;
        if self.sources(isocenter).iter().any(low) {
            return Err(Error::config("arc_deg", "the detector would be behind the source at the ends of the sweep")
                .hint("lower arc_deg"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{norm, sub};

    fn volume() -> Grid {
        Grid::centered([8, 10, 24], [1.0; 3], [5.0, 6.0, 7.0]).unwrap()
    }

    fn built(yaml: &str) -> Result<Geometry> {
        serde_yaml::from_str::<Config>(yaml).unwrap().build(&volume())
    }

    #[test]
    fn the_detector_stands_still_and_the_source_keeps_its_path() {
        for (along, motion) in [("u", [1.0, 0.0, 0.0]), ("v", [0.0, 0.0, 1.0])] {
            for path in ["arc", "line"] {
                let geometry = built(&format!("{{views: 5, arc_deg: 60, path: {path}, along: {along}}}")).unwrap();
                let center = volume().center();
                let sources: Vec<Point> = geometry
                    .views
                    .iter()
                    .map(|v| if let Source::Point(p) = v.source { sub(p, center) } else { [0.0; 3] })
                    .collect();
                assert!(
                    geometry
                        .views
                        .iter()
                        .all(|view| view.center == geometry.views[0].center && view.u == geometry.views[0].u)
                );
                assert!(norm(sub(sources[2], [0.0, -1000.0, 0.0])) < 1e-9, "in front of the patient");
                let reach = if path == "arc" { 500.0 } else { 1000.0 * 30f64.to_radians().tan() };
                assert!(
                    (crate::data::dot(sources[4], motion) - reach).abs() < 1e-9,
                    "{along} {path}: {:?}",
                    sources[4]
                );
                assert!(if path == "arc" {
                    (norm(sources[4]) - 1000.0).abs() < 1e-9
                } else {
                    (sources[4][1] - sources[0][1]).abs() < 1e-9
                });
            }
        }
    }

    #[test]
    fn what_is_no_sweep_is_refused() {
        assert!(built("arc_deg: 200").unwrap_err().to_string().starts_with("arc_deg:"));
        assert!(built("direction_deg: .nan").unwrap_err().to_string().starts_with("direction_deg:"));
        assert!(built("detector: {shape: cylindrical}").unwrap_err().to_string().starts_with("detector.shape:"));
        assert!(
            built("{source_to_axis_mm: 3, source_to_detector_mm: 30, detector: {pixels: [4, 4], pitch_mm: 1}}")
                .is_err()
        );
    }
}
