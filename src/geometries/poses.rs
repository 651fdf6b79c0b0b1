//! Per-view poses of a measured or calibrated scan, read from a file in any format that `recon` writes (own JSON or
//! CSV, ASTRA's 12-vectors, RTK's circular-geometry XML).
//!
//! Some formats do not contain the detector's pixels, which are then configured here. Upright views on a circle are
//! recognised as a circular orbit, so that analytic methods can be used.

use super::Trajectory;
use super::checks;
use super::per_axis::PerAxis;
use crate::data::{
    Detector, Geometry, Grid, Orbit, Point, Poses, Source, View, add, cross, dot, normalized, scale, sub,
};
use crate::error::{Error, Result};
use crate::input_path::InputPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Beam of a file of ASTRA 12-vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Beam {
    /// The first three numbers are the position of the source.
    Cone,
    /// The first three numbers are the direction of the rays.
    Parallel,
}

/// `poses: {file, beam, origin_mm, detector: {pixels, pitch_mm}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Path of the file; its format is detected from the content.
    pub file: InputPath,
    /// cone or parallel; needed only for 12-vectors whose file does not state the beam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beam: Option<Beam>,
    /// World position [x, y, z] in mm of the file's origin; default [0, 0, 0].
    #[serde(default)]
    pub origin_mm: Point,
    /// Number and pitch of the detector's pixels, where the file leaves them open.
    #[serde(default)]
    pub detector: Pixels,
}

/// The pixels of a detector whose position the file gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pixels {
    /// Number of pixels: [rows, columns], one number (columns) in 2-D, or auto (default) to take the file's.
    pub pixels: PerAxis<usize>,
    /// Pixel pitch in mm: [v, u], one number for square pixels, or auto (default) to take the file's.
    pub pitch_mm: PerAxis<f64>,
    /// Shift of the detector's centre from its position in the file, [v, u] in mm.
    pub offset_mm: [f64; 2],
}

impl Trajectory for Config {
    fn build(&self, _volume: &Grid) -> Result<Geometry> {
        Err(Error::config("file", format!("{} has not been read: use `place` with its poses", self.file.display())))
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.file)
    }

    fn place(&self, poses: Poses, volume: &Grid) -> Result<Geometry> {
        if self.origin_mm.iter().any(|x| !x.is_finite()) {
            return Err(Error::config("origin_mm", format!("expected finite mm, got {:?}", self.origin_mm)));
        }
        if self.detector.offset_mm.iter().any(|mm| !mm.is_finite()) {
            let problem = format!("expected finite mm, got {:?}", self.detector.offset_mm);
            return Err(Error::config("detector.offset_mm", problem));
        }
        let [rows, columns] = self.pixels(&poses)?;
        let pitch = self.pitch(&poses)?;
        let views: Vec<View> = poses.views.iter().map(|view| self.view(view, pitch)).collect();
        let orbit = match poses.orbit {
            Some(orbit) => Some(Orbit { isocenter: add(orbit.isocenter, self.origin_mm), ..orbit }),
            None => Orbit::of_views(&views),
        };
        let geometry = Geometry::new(views, Detector { rows, columns, shape: poses.shape }, orbit)?;
        self.check(&geometry, volume)?;
        Ok(geometry)
    }
}

impl Config {
    fn pixels(&self, poses: &Poses) -> Result<[usize; 2]> {
        let pixels = match (self.detector.pixels, poses.pixels) {
            (PerAxis::One(columns), _) => [1, columns],
            (PerAxis::Two(pixels), _) | (PerAxis::Auto, Some(pixels)) => pixels,
            (PerAxis::Auto, None) => {
                let problem = format!("expected [rows, columns]: {} does not say them", self.file.display());
                return Err(Error::config("detector.pixels", problem).hint("write the number of the detector's pixels"));
            }
        };
        if pixels.contains(&0) {
            return Err(Error::config(
                "detector.pixels",
                format!("expected at least 1 pixel each way, got {pixels:?}"),
            ));
        }
        Ok(pixels)
    }

    /// Factors for the file's v and u: 1 if they hold the pitch, else the configured pitch in mm.
    fn pitch(&self, poses: &Poses) -> Result<[f64; 2]> {
        let pitch = match (self.detector.pitch_mm, poses.pitched) {
            (PerAxis::Auto, true) => return Ok([1.0; 2]),
            (PerAxis::One(pitch), false) => [pitch; 2],
            (PerAxis::Two(pitch), false) => pitch,
            (PerAxis::Auto, false) => {
                let problem = format!("expected the pitch in mm, [v, u]: {} does not say it", self.file.display());
                return Err(Error::config("detector.pitch_mm", problem).hint("write the size of the detector's pixels"));
            }
            (_, true) => {
                return Err(Error::config("detector.pitch_mm", "expected auto: the file has its own pitch")
                    .hint("leave the key out"));
            }
        };
        if pitch.iter().any(|mm| !mm.is_finite() || *mm <= 0.0) {
            return Err(Error::config("detector.pitch_mm", format!("expected a positive pitch in mm, got {pitch:?}")));
        }
        Ok(pitch)
    }

    fn view(&self, view: &View, [v, u]: [f64; 2]) -> View {
        let source = match (view.source, self.beam) {
            (Source::Point(vector) | Source::Direction(vector), Some(Beam::Parallel)) => {
                Source::Direction(normalized(vector))
            }
            (Source::Direction(vector), _) => Source::Direction(vector),
            (Source::Point(point), _) => Source::Point(add(point, self.origin_mm)),
        };
        let [dv, du] = self.detector.offset_mm;
        let aside = add(scale(normalized(view.u), du), scale(normalized(view.v), dv));
        let center = add(add(view.center, self.origin_mm), aside);
        View { source, center, u: scale(view.u, u), v: scale(view.v, v) }
    }

    /// Checks that no source is inside the volume and that the volume lies between source and detector in every view.
    fn check(&self, geometry: &Geometry, volume: &Grid) -> Result<()> {
        let place = |view: usize| format!("{}: view {view}", self.file.display());
        if let Some(view) = checks::view_inside(geometry, volume) {
            return Err(Error::config("file", format!("{} has its source inside the volume", place(view)))
                .hint("check origin_mm and the units of the file (mm), or crop the volume"));
        }
        // The volume's centre must lie between the source and the detector plane.
        let between = |view: &View| match view.source {
            Source::Direction(_) => true,
            Source::Point(source) => {
                let normal = cross(view.u, view.v);
                let part = dot(sub(volume.center(), source), normal) / dot(sub(view.center, source), normal);
                part > 0.0 && part < 1.0
            }
        };
        if let Some(view) = geometry.views.iter().position(|view| !between(view)) {
            return Err(Error::config(
                "file",
                format!("{} does not have the volume between its source and its detector", place(view)),
            )
            .hint("check origin_mm and the axes of the file"));
        }
        Ok(())
    }
}
