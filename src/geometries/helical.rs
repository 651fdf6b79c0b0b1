//! Helical cone beam: source and detector turn about z and move along it by `pitch_mm` per turn.
//!
//! source(θ) = iso + (SAD cos θ, SAD sin θ, (θ − θ_mid) P / 2π). The rows of an automatic detector cover the
//! Tam–Danielsson window, the smallest that sees every voxel in the helix over half a turn: at column angle γ it
//! reaches |v| = SDD P (π/2 + |γ|) / (2π SAD cos γ) on a cylindrical detector, and that divided by cos γ on a flat one
//! (Noo, Pack and Heuscher, Phys. Med. Biol. 48 (2003) 3787, eqs. 39 and 43). Each view sees only a part of the
//! volume's height.

use super::checks;
use super::circle::{self, Distances};
use super::detector::{self, Cylinder, Shadow};
use super::{MeasuredKeys, Trajectory};
use crate::data::{DetectorShape, Geometry, Grid, Point};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_PI_2, TAU};

/// `helical: {views, turns, pitch_mm, start_deg, source_to_axis_mm, source_to_detector_mm, isocenter_mm, detector}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of views over all turns, equally spaced; the end point is left out.
    pub views: usize,
    /// Number of turns, may be fractional; negative turns from +y to +x. null (default) takes (height of the volume /
    /// pitch) + 1 turns.
    pub turns: Option<f64>,
    /// Movement of the source along z per turn, mm, not 0; negative moves down.
    pub pitch_mm: f64,
    /// Angle of the source in the first view, degrees, measured from +x towards +y.
    pub start_deg: f64,
    /// Distance from the source to the axis of rotation, mm.
    pub source_to_axis_mm: f64,
    /// Distance from the source to the detector, mm; larger than source_to_axis_mm.
    pub source_to_detector_mm: f64,
    /// Isocentre: point [x, y, z] in mm on the axis of rotation, at the middle of the source's path; null (default)
    /// takes the centre of the volume.
    pub isocenter_mm: Option<Point>,
    /// Number, pitch and position of the detector's pixels.
    pub detector: detector::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            views: 240,
            turns: None,
            pitch_mm: 50.0,
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
        self.check(volume)?;
        let isocenter = circle::isocenter(self.isocenter_mm, volume)?;
        let cylinder = Cylinder::around(volume, isocenter);
        let turns = self.turns(&cylinder)?;
        let panel = self.detector.resolve(&self.shadow(volume, &cylinder)?, false)?;
        let detector = self.source_to_detector_mm - self.source_to_axis_mm;
        let view = |i: usize| {
            let turned = turns * i as f64 / self.views as f64;
            // The first and last view are equally far from the middle.
            let climbed =
                self.pitch_mm * (turned.abs() - turns.abs() * (self.views - 1) as f64 / self.views as f64 / 2.0);
            let height = [isocenter[0], isocenter[1], isocenter[2] + climbed];
            let angle = self.start_deg.to_radians() + TAU * turned;
            circle::exposure(angle, height, Distances { source: Some(self.source_to_axis_mm), detector }, &panel)
        };
        let geometry = Geometry::new((0..self.views).map(view).collect(), panel.detector, None)?;
        checks::sources(&geometry, volume, self.source_to_axis_mm)?;
        Ok(geometry)
    }

    fn measured(&mut self) -> Result<Option<MeasuredKeys<'_>>> {
        if self.turns.is_none() {
            return Err(Error::config("turns", "expected the number of turns of the scan, got none")
                .hint("set turns: measured data do not contain it; only a simulation derives it from the volume"));
        }
        Ok(Some(MeasuredKeys {
            views: &mut self.views,
            start_deg: None,
            isocenter_mm: self.isocenter_mm,
            detector: &mut self.detector,
        }))
    }

    fn reverse(&mut self) {
        (self.start_deg, self.turns) = (-self.start_deg, self.turns.map(|turns| -turns));
    }
}

impl Config {
    /// Refuses settings that describe no helix, and 2-D volumes.
    fn check(&self, volume: &Grid) -> Result<()> {
        checks::views(self.views)?;
        checks::finite("start_deg", self.start_deg)?;
        if !self.pitch_mm.is_finite() || self.pitch_mm == 0.0 {
            let problem = format!("expected mm per turn, not 0, got {}", self.pitch_mm);
            return Err(Error::config("pitch_mm", problem).hint("a source that does not climb is a `cone`"));
        }
        checks::distances(self.source_to_axis_mm, self.source_to_detector_mm)?;
        checks::solid(volume, "a helix")?;
        self.detector.check_stance(false, false)
    }

    fn turns(&self, cylinder: &Cylinder) -> Result<f64> {
        let turns = self.turns.unwrap_or_else(|| (cylinder.z[1] - cylinder.z[0]) / self.pitch_mm.abs() + 1.0);
        if !turns.is_finite() || turns == 0.0 || turns.abs() > 10_000.0 {
            let problem = format!("expected a number of turns between -10000 and 10000, not 0, got {turns}");
            return Err(Error::config("turns", problem).hint("left out, they cover the volume; or raise pitch_mm"));
        }
        Ok(turns)
    }

    fn shadow(&self, volume: &Grid, cylinder: &Cylinder) -> Result<Shadow> {
        let (axis, detector, radius) = (self.source_to_axis_mm, self.source_to_detector_mm, cylinder.radius);
        if self.detector.is_auto() && radius >= axis {
            let problem = format!(
                "expected more than {radius:.1} mm, the reach of the volume's corners from the axis, got {axis}"
            );
            return Err(Error::config("source_to_axis_mm", problem)
                .hint("move the source away, or give detector.pixels and detector.pitch_mm"));
        }
        let gamma = (radius / axis).min(1.0).asin();
        let window = detector * self.pitch_mm.abs() / (TAU * axis) * (FRAC_PI_2 + gamma) / gamma.cos();
        let (rows, columns) = match self.detector.shape {
            DetectorShape::Flat => (window / gamma.cos(), detector * gamma.tan()),
            DetectorShape::Cylindrical => (window, detector * gamma),
        };
        let voxel = [volume.spacing[0], volume.spacing[1].min(volume.spacing[2])];
        Ok(Shadow { extent: [[-rows, rows], [-columns, columns]], pitch: voxel.map(|mm| mm * detector / axis) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Source;

    fn volume() -> Grid {
        Grid::centered([30, 20, 20], [2.0; 3], [5.0, 6.0, 7.0]).unwrap()
    }

    fn built(yaml: &str) -> Result<Geometry> {
        serde_yaml::from_str::<Config>(yaml).unwrap().build(&volume())
    }

    #[test]
    fn the_source_climbs_its_pitch_per_turn_about_the_middle() {
        let geometry = built("{views: 40, turns: 4, pitch_mm: 12}").unwrap();
        let source = |view: usize| if let Source::Point(p) = geometry.views[view].source { p } else { [0.0; 3] };
        assert!((source(10)[2] - source(0)[2] - 12.0).abs() < 1e-9 && (source(10)[0] - source(0)[0]).abs() < 1e-9);
        assert!((f64::midpoint(source(0)[2], source(39)[2]) - 7.0).abs() < 1e-9);
        let down = built("{views: 40, turns: -4, pitch_mm: -12}").unwrap();
        assert!(down.views[1].center[2] < down.views[0].center[2]);
    }

    #[test]
    fn the_automatic_rows_see_every_voxel_over_half_a_turn() {
        for shape in ["flat", "cylindrical"] {
            let geometry = built(&format!(
                "{{views: 600, pitch_mm: 15, source_to_axis_mm: 100, source_to_detector_mm: 150, detector: {{shape: \
                 {shape}}}}}"
            ))
            .unwrap();
            let per_turn = 600.0 / (60.0 / 15.0 + 1.0);
            for corner in volume().corners().into_iter().chain([volume().center()]) {
                let on = |(row, column): (f64, f64)| {
                    let [_, rows, columns] = geometry.shape();
                    row >= -0.5 && row <= rows as f64 - 0.5 && column >= -0.5 && column <= columns as f64 - 0.5
                };
                let seen = (0..600).filter(|&view| geometry.project(view, corner).is_some_and(on)).count();
                // A voxel off the axis sees half a turn under angles of its own: from 0.3 to 0.7 turns of the source.
                assert!(seen as f64 > 0.3 * per_turn, "{shape}: {seen} of {per_turn} views per turn");
            }
        }
    }

    #[test]
    fn a_helix_that_does_not_climb_is_refused() {
        assert!(built("pitch_mm: 0").unwrap_err().to_string().starts_with("pitch_mm:"));
        assert!(built("turns: 0").unwrap_err().to_string().starts_with("turns:"));
        assert!(built("turns: .nan").is_err() && built("pitch_mm: 1.0e-9").is_err());
    }
}
