//! The `detector` section of a scan, and how `auto` is resolved; `panel` places the detector in a view.
//!
//! `auto` makes the detector cover the projection (shadow) of the volume's circumscribed cylinder: the smallest
//! cylinder about the axis of rotation that holds every corner of the volume, so that no view at any angle is
//! truncated. An automatic pitch is the voxel spacing times the magnification at the axis (rows: spacing along z;
//! columns: the smaller in-plane spacing), so that one pixel is as wide as one voxel there. If both are automatic, the
//! pitch is set first and the number of pixels follows from the shadow; if one is given, the other follows from the
//! shadow.

use super::panel::Panel;
use super::per_axis::PerAxis;
use crate::data::{Detector, DetectorShape, Geometry, Grid, Point, sub};
use crate::error::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// `detector: {pixels, pitch_mm, offset_mm, shape, tilt_deg, slant_deg, rotation_deg}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of pixels: [rows, columns], one number (columns) in 2-D, or auto (default): as many as cover the volume.
    pub pixels: PerAxis<usize>,
    /// Pixel pitch in mm: [v, u], one number for square pixels, or auto (default): voxel spacing times magnification.
    pub pitch_mm: PerAxis<f64>,
    /// Shift of the detector's centre from the central ray, [v, u] in mm (for a cylindrical detector u is along the
    /// arc); one number is u.
    #[serde(deserialize_with = "shift")]
    #[schemars(schema_with = "shift_schema")]
    pub offset_mm: [f64; 2],
    /// flat (default), or cylindrical about the axis through the source along v.
    pub shape: DetectorShape,
    /// Rotation about u through the detector's centre, degrees, -80 to 80: positive leans its upper rows (+v) towards
    /// the source (RTK: out-of-plane angle).
    pub tilt_deg: f64,
    /// Rotation about v through the detector's centre, degrees, -80 to 80: positive leans its last columns (+u) towards
    /// the source.
    pub slant_deg: f64,
    /// Rotation in its own plane about its centre, degrees from u to v, -360 to 360 (RTK: in-plane angle).
    pub rotation_deg: f64,
}

/// Reads `[v, u]`, or one number as `[0, u]`.
fn shift<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<[f64; 2], D::Error> {
    match PerAxis::deserialize(deserializer)? {
        PerAxis::One(u) => Ok([0.0, u]),
        PerAxis::Two(both) => Ok(both),
        PerAxis::Auto => Err(D::Error::custom("expected a number or [v, u] in mm, got auto")),
    }
}

fn shift_schema(_generator: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "oneOf": [
            {"type": "number"},
            {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        ]
    })
}

/// The circumscribed cylinder of a volume about the axis of rotation, mm from the isocentre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cylinder {
    /// Largest distance of a corner from the axis, mm.
    pub radius: f64,
    /// Lowest and highest z, mm from the isocentre.
    pub z: [f64; 2],
}

impl Cylinder {
    /// The cylinder about the axis through `isocenter` along z that holds every corner of the volume.
    #[must_use]
    pub fn around(volume: &Grid, isocenter: Point) -> Self {
        volume.corners().iter().map(|&corner| sub(corner, isocenter)).fold(
            Self { radius: 0.0, z: [f64::INFINITY, f64::NEG_INFINITY] },
            |cylinder, [x, y, z]| Self {
                radius: cylinder.radius.max(x.hypot(y)),
                z: [cylinder.z[0].min(z), cylinder.z[1].max(z)],
            },
        )
    }
}

/// Area on the detector that must be covered, and the default pitch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shadow {
    /// [[lowest, highest v], [lowest, highest u]], mm from the central ray.
    pub(super) extent: [[f64; 2]; 2],
    /// Default pitch [v, u] in mm: voxel spacing times magnification at the axis.
    pub(super) pitch: [f64; 2],
}

impl Shadow {
    /// Bounding rectangle of the volume's projections onto a flat detector that is placed as in `scan`, whose pixels
    /// must be 1 mm.
    pub(super) fn of_views(scan: &Geometry, volume: &Grid, pitch: [f64; 2]) -> Result<Self> {
        let middle = [(scan.detector.rows as f64 - 1.0) / 2.0, (scan.detector.columns as f64 - 1.0) / 2.0];
        let mut extent = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        for view in 0..scan.views.len() {
            for corner in volume.corners() {
                let Some((row, column)) = scan.project(view, corner) else {
                    return Err(Error::config(
                        "detector.pixels",
                        format!("no size covers the volume: in view {view} it reaches behind the source"),
                    )
                    .hint("move the source away, crop the volume, or give detector.pixels and detector.pitch_mm"));
                };
                for (range, at) in extent.iter_mut().zip([row - middle[0], column - middle[1]]) {
                    *range = [range[0].min(at), range[1].max(at)];
                }
            }
        }
        Ok(Self { extent, pitch })
    }
}

impl Config {
    /// Whether the number of pixels or the pitch depends on the volume.
    pub(super) fn is_auto(&self) -> bool {
        self.pixels == PerAxis::Auto || self.pitch_mm == PerAxis::Auto
    }

    /// The detector with `auto` resolved so that it covers `shadow`; for a 2-D volume (`flatland`) it has one row.
    pub(super) fn resolve(&self, shadow: &Shadow, flatland: bool) -> Result<Panel> {
        self.check(flatland)?;
        let half = |k: usize| shadow.extent[k].iter().map(|edge| (edge - self.offset_mm[k]).abs()).fold(0.0, f64::max);
        let count = match self.pixels {
            PerAxis::Auto => [None, None],
            PerAxis::One(columns) => [Some(1), Some(columns)],
            PerAxis::Two([rows, columns]) => [Some(rows), Some(columns)],
        };
        let given = self.pitch_mm.both().map_or([None; 2], |pitch| pitch.map(Some));
        let along = |k: usize| match (count[k], given[k]) {
            (Some(n), Some(pitch)) => (n, pitch),
            (Some(n), None) => (n, 2.0 * half(k) / n as f64),
            (None, pitch) => {
                let pitch = pitch.unwrap_or(shadow.pitch[k]);
                (((2.0 * half(k) / pitch) - 1e-9).ceil().max(1.0) as usize, pitch)
            }
        };
        let (columns, pitch_u) = along(1);
        let (rows, pitch_v) = if flatland { (1, given[0].unwrap_or(pitch_u)) } else { along(0) };
        let pitch = derived([pitch_v, pitch_u])?;
        Ok(Panel { detector: Detector { rows, columns, shape: self.shape }, pitch, ..self.probe() })
    }

    /// The detector in its configured position with a single pixel of 1 mm, used to find the shadow.
    pub(super) fn probe(&self) -> Panel {
        let angles = [self.tilt_deg, self.slant_deg, self.rotation_deg].map(f64::to_radians);
        Panel {
            detector: Detector { rows: 1, columns: 1, shape: self.shape },
            pitch: [1.0; 2],
            offset: self.offset_mm,
            angles,
        }
    }

    /// Whether the detector is perpendicular to the central ray with its columns along the axis.
    pub(super) fn is_upright(&self) -> bool {
        [self.tilt_deg, self.slant_deg, self.rotation_deg] == [0.0; 3]
    }

    /// Checks what [`Config::resolve`] checks, and that the angles suit the beam and a 2-D volume (`flatland`).
    pub(super) fn check_stance(&self, parallel: bool, flatland: bool) -> Result<()> {
        for (key, angle, most) in [
            ("tilt_deg", self.tilt_deg, 80.0),
            ("slant_deg", self.slant_deg, 80.0),
            ("rotation_deg", self.rotation_deg, 360.0),
        ] {
            self.check_angle(key, angle, most, flatland).map_err(|error| error.under("detector"))?;
        }
        if self.shape == DetectorShape::Cylindrical && parallel {
            return Err(Error::config("detector.shape", "expected flat for a parallel beam, got cylindrical")
                .hint("use `cone` or `fan`"));
        }
        self.check(flatland)
    }

    /// Refuses an angle beyond `most` degrees, and rotations that do not suit a 2-D volume or a cylindrical detector.
    fn check_angle(&self, key: &str, angle: f64, most: f64, flatland: bool) -> Result<()> {
        if !angle.is_finite() || angle.abs() > most {
            return Err(Error::config(key, format!("expected degrees between -{most} and {most}, got {angle}")));
        }
        if flatland && key != "slant_deg" && angle != 0.0 {
            return Err(Error::config(key, format!("expected 0 for a 2-D volume, got {angle}"))
                .hint("only slant_deg keeps the rays in its plane"));
        }
        if self.shape == DetectorShape::Cylindrical && key != "rotation_deg" && angle != 0.0 {
            let problem =
                format!("expected 0 for a cylindrical detector, got {angle}: its axis passes through the source");
            return Err(Error::config(key, problem).hint("use a flat detector, or offset_mm"));
        }
        Ok(())
    }

    fn check(&self, flatland: bool) -> Result<()> {
        let pitch = self.pitch_mm.both();
        if let Some(bad) = pitch.iter().flatten().find(|pitch| !pitch.is_finite() || **pitch <= 0.0) {
            return Err(Error::config("detector.pitch_mm", format!("expected a positive pitch in mm, got {bad}"))
                .hint("write auto to cover the volume"));
        }
        match self.pixels {
            PerAxis::One(0) | PerAxis::Two([0, _] | [_, 0]) => {
                return Err(Error::config("detector.pixels", "expected at least 1 pixel each way, got 0")
                    .hint("write auto to cover the volume"));
            }
            PerAxis::One(n) if !flatland => {
                return Err(Error::config(
                    "detector.pixels",
                    format!("expected [rows, columns] for a 3-D volume, got {n}"),
                )
                .hint(format!("write [{n}, {n}]")));
            }
            PerAxis::Two([rows, columns]) if flatland && rows != 1 => {
                return Err(Error::config(
                    "detector.pixels",
                    format!("expected one row for a 2-D volume, got [{rows}, {columns}]"),
                )
                .hint(format!("write {columns}")));
            }
            _ => {}
        }
        if self.offset_mm.iter().any(|offset| !offset.is_finite()) {
            return Err(Error::config("detector.offset_mm", format!("expected finite mm, got {:?}", self.offset_mm)));
        }
        if flatland && self.offset_mm[0] != 0.0 {
            let problem =
                format!("expected [0, u] for a 2-D volume, got {:?}: the rays would leave its plane", self.offset_mm);
            return Err(Error::config("detector.offset_mm", problem));
        }
        Ok(())
    }
}

/// A pitch [v, u] that was derived from the volume, if it is positive.
fn derived([v, u]: [f64; 2]) -> Result<[f64; 2]> {
    if v > 0.0 && u > 0.0 && v.is_finite() && u.is_finite() {
        return Ok([v, u]);
    }
    Err(Error::config("detector.pitch_mm", format!("expected a positive pitch in mm, got [{v}, {u}]"))
        .hint("the pitch along one direction cannot be derived from the volume: set detector.pitch_mm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHADOW: Shadow = Shadow { extent: [[-50.0, 50.0], [-80.0, 80.0]], pitch: [2.0, 3.0] };

    fn resolved(yaml: &str) -> Panel {
        serde_yaml::from_str::<Config>(yaml).unwrap().resolve(&SHADOW, false).unwrap()
    }

    fn refused(yaml: &str, flatland: bool) -> String {
        serde_yaml::from_str::<Config>(yaml).unwrap().resolve(&SHADOW, flatland).unwrap_err().to_string()
    }

    #[test]
    fn an_automatic_detector_has_the_natural_pitch_and_enough_pixels() {
        let panel = resolved("{}");
        assert_eq!((panel.detector.rows, panel.detector.columns, panel.pitch), (50, 54, [2.0, 3.0]));
    }

    #[test]
    fn what_is_given_decides_the_rest() {
        assert_eq!(resolved("pixels: [10, 16]").pitch, [10.0, 10.0]);
        let panel = resolved("pitch_mm: 5");
        assert_eq!((panel.detector.rows, panel.detector.columns), (20, 32));
        let panel = resolved("{pixels: [3, 4], pitch_mm: [1, 2]}");
        assert_eq!((panel.detector.rows, panel.detector.columns, panel.pitch), (3, 4, [1.0, 2.0]));
    }

    #[test]
    fn an_offset_detector_still_covers_both_sides() {
        let panel = resolved("{pitch_mm: 1, offset_mm: [10, -30]}");
        assert_eq!((panel.detector.rows, panel.detector.columns), (120, 220));
    }

    #[test]
    fn a_plane_needs_one_row() {
        let panel = serde_yaml::from_str::<Config>("pixels: 40").unwrap().resolve(&SHADOW, true).unwrap();
        assert_eq!((panel.detector.rows, panel.detector.columns, panel.pitch), (1, 40, [4.0, 4.0]));
        assert!(refused("pixels: [2, 40]", true).contains("one row"));
        assert!(refused("offset_mm: [1, 0]", true).contains("leave its plane"));
        for one in ["offset_mm: 7", "offset_mm: [0, 7]"] {
            assert_eq!(serde_yaml::from_str::<Config>(one).unwrap().offset_mm, [0.0, 7.0]);
        }
        assert!(serde_yaml::from_str::<Config>("offset_mm: auto").is_err());
    }

    #[test]
    fn impossible_detectors_are_refused_with_their_key() {
        assert!(refused("pitch_mm: 0", false).contains("detector.pitch_mm"));
        assert!(refused("pitch_mm: [1, -2]", false).contains("detector.pitch_mm"));
        assert!(refused("pitch_mm: .nan", false).contains("detector.pitch_mm"));
        assert!(refused("pixels: [0, 4]", false).contains("detector.pixels"));
        assert!(refused("pixels: 64", false).contains("[64, 64]"));
        assert!(refused("offset_mm: [.inf, 0]", false).contains("detector.offset_mm"));
    }
}
