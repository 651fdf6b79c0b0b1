//! Fan beam on a circular orbit in the plane of a 2-D volume; the detector is straight (`flat`) or an arc about the
//! source (`cylindrical`, as in third-generation scanners).
//!
//! The ray of column k leaves the source at the fan angle γ = atan((k − k₀) p / SDD) on a straight detector and γ = (k
//! − k₀) p / SDD on an arc, with the pitch p. A short scan covers 180° plus the full fan angle.

use super::{MeasuredKeys, Trajectory};
use super::{cone, detector};
use crate::data::{Geometry, Grid, Point};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `fan: {views, arc_deg, start_deg, source_to_axis_mm, source_to_detector_mm, isocenter_mm, detector}`.
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
    /// Isocentre: point [x, y, z] in mm on the axis of rotation, in the plane of the volume; null (default) takes the
    /// centre of the volume.
    pub isocenter_mm: Option<Point>,
    /// Number, pitch and position of the detector's pixels.
    pub detector: detector::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            views: 180,
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
        if !volume.is_2d() {
            return Err(Error::config("", format!("needs a 2-D volume, and this one has {} slices", volume.shape[0]))
                .hint("use `cone`"));
        }
        // A fan beam is a cone beam with one detector row.
        let Self { views, arc_deg, start_deg, source_to_axis_mm, source_to_detector_mm, isocenter_mm, ref detector } =
            *self;
        let detector = detector.clone();
        cone::Config { views, arc_deg, start_deg, source_to_axis_mm, source_to_detector_mm, isocenter_mm, detector }
            .build(volume)
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
