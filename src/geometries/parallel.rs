//! Parallel beam, 2-D or 3-D: all rays of a view travel along −(cos θ, sin θ, 0).
//!
//! Views half a turn apart measure the same lines, so 180 degrees are a full scan. Used for synchrotron data and as the
//! simplest test of a method.

use super::circle::{self, Arc, Distances};
use super::detector::{self, Cylinder, Shadow};
use super::panel::Panel;
use super::{MeasuredKeys, Trajectory};
use crate::data::{Geometry, Grid, Point};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `parallel: {views, arc_deg, start_deg, isocenter_mm, detector}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of views, equally spaced.
    pub views: usize,
    /// Angular range covered, degrees, -360 to 360 and not 0; 180 and 360 leave the end point out, other arcs include
    /// it; negative turns from +y to +x.
    pub arc_deg: f64,
    /// Angle of the first view, degrees, measured from +x towards +y.
    pub start_deg: f64,
    /// Isocentre: point [x, y, z] in mm on the axis of rotation; null (default) takes the centre of the volume.
    pub isocenter_mm: Option<Point>,
    /// Number, pitch and position of the detector's pixels.
    pub detector: detector::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self { views: 60, arc_deg: 180.0, start_deg: 0.0, isocenter_mm: None, detector: detector::Config::default() }
    }
}

impl Trajectory for Config {
    fn build(&self, volume: &Grid) -> Result<Geometry> {
        let angles =
            Arc { views: self.views, arc_deg: self.arc_deg, start_deg: self.start_deg, period_deg: 180.0 }.angles()?;
        self.detector.check_stance(true, volume.is_2d())?;
        let isocenter = circle::isocenter(self.isocenter_mm, volume)?;
        let Cylinder { radius, z } = Cylinder::around(volume, isocenter);
        let pitch = [volume.spacing[0], volume.spacing[1].min(volume.spacing[2])];
        // The detector's distance does not change any ray; just behind the volume it keeps figures readable.
        let distances = Distances { source: None, detector: radius };
        let scan = |panel: &Panel| circle::scan(angles.clone(), self.arc_deg, isocenter, distances, panel);
        let mut shadow = Shadow { extent: [z, [-radius, radius]], pitch };
        if self.detector.is_auto() && !self.detector.is_upright() {
            shadow = Shadow::of_views(&scan(&Panel { offset: [0.0; 2], ..self.detector.probe() })?, volume, pitch)?;
        }
        scan(&self.detector.resolve(&shadow, volume.is_2d())?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Source;

    #[test]
    fn the_automatic_detector_has_the_voxels_pitch_and_covers_the_diagonal() {
        let volume = Grid::centered([10, 30, 40], [3.0, 2.0, 2.0], [5.0, 6.0, 7.0]).unwrap();
        let geometry = Config::default().build(&volume).unwrap();
        assert_eq!((geometry.detector.rows, geometry.detector.columns), (10, 50));
        assert_eq!(geometry.views[0].u, [0.0, 2.0, 0.0]);
        assert_eq!(geometry.views[0].source, Source::Direction([-1.0, 0.0, 0.0]));
        assert_eq!(geometry.orbit.unwrap().isocenter, [5.0, 6.0, 7.0]);
    }

    #[test]
    fn a_slice_gets_one_row() {
        let volume = Grid::centered([1, 64, 64], [1.0; 3], [0.0; 3]).unwrap();
        let geometry = Config::default().build(&volume).unwrap();
        assert_eq!(geometry.shape(), [60, 1, 91]);
    }
}
