//! Stub until the nouns branch is merged.
#![allow(missing_docs, clippy::missing_errors_doc)]
use crate::data::{Detector, DetectorShape, Geometry, Grid, Orbit, Source, View};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub trait Scan {
    fn build(&self, volume: &Grid) -> Result<Geometry>;
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cone {
    pub views: usize,
    #[serde(default)]
    pub arc_deg: f64,
    pub source_to_axis_mm: f64,
    pub source_to_detector_mm: f64,
    pub detector: Pixels,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pixels {
    pub pixels: [usize; 2],
    pub pitch_mm: [f64; 2],
}
impl Scan for Cone {
    fn build(&self, _volume: &Grid) -> Result<Geometry> {
        let angles: Vec<f64> = (0..self.views).map(|i| i as f64 * std::f64::consts::TAU / self.views as f64).collect();
        let far = self.source_to_detector_mm - self.source_to_axis_mm;
        let views = angles
            .iter()
            .map(|a| View {
                source: Source::Point([self.source_to_axis_mm * a.cos(), self.source_to_axis_mm * a.sin(), 0.0]),
                center: [-far * a.cos(), -far * a.sin(), 0.0],
                u: [-a.sin() * self.detector.pitch_mm[1], a.cos() * self.detector.pitch_mm[1], 0.0],
                v: [0.0, 0.0, self.detector.pitch_mm[0]],
            })
            .collect();
        let orbit = Orbit {
            isocenter: [0.0; 3],
            angles,
            arc: std::f64::consts::TAU,
            source_to_axis: Some(self.source_to_axis_mm),
            source_to_detector: Some(self.source_to_detector_mm),
            offset: [0.0; 2],
        };
        let detector = Detector { rows: self.detector.pixels[0], columns: self.detector.pixels[1], shape: DetectorShape::Flat };
        Geometry::new(views, detector, Some(orbit))
    }
}
crate::kinds! {
    pub enum GeometryKind: "geometry" => dyn Scan {
        cone => Cone(Cone),
    }
}
