//! What can be found of a scanner, in which unit, and of which scans.

use crate::data::{DetectorShape, Geometry};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A parameter of the scanner that the data can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// Columns by which the axis of rotation falls beyond where it is said to fall.
    Center,
    /// Rows by which the detector stands higher (+v) than it is said to stand. Cone beams.
    DetectorV,
    /// Turn of the detector in its own plane, degrees from u to v. Scans with several rows.
    Roll,
    /// Lean of the detector about u, degrees, its upper rows towards the source. Cone beams.
    Tilt,
    /// Percent by which the source is farther from the detector than it is said to be. The magnification stays, so that
    /// source and axis move together: data do not tell the size of things. Fans and cones.
    SourceDistance,
    /// Columns by which the axis moves on the detector from the first view to the last, as steadily as the views go.
    Drift,
    /// Where each single view stands beside the others: columns, and rows where there are several.
    Jitter,
}

/// Arc below which a shift, a stretch or a shear of the object explains a wrong scan, radians (160 degrees). Over 30
/// degrees of a fan an axis 30 columns aside predicted withheld views best.
const LEAST_ARC: f64 = 160.0 * std::f64::consts::PI / 180.0;

/// Values of the parameters, in their units and in the order of [`Parameter::STEADY`].
pub(crate) type Values = [f64; 6];

impl Parameter {
    /// All that are one number for the whole scan, in the order of [`Values`].
    pub(crate) const STEADY: [Self; 6] =
        [Self::Center, Self::DetectorV, Self::Roll, Self::Tilt, Self::SourceDistance, Self::Drift];

    /// As in the YAML.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Center => "center",
            Self::DetectorV => "detector_v",
            Self::Roll => "roll",
            Self::Tilt => "tilt",
            Self::SourceDistance => "source_distance",
            Self::Drift => "drift",
            Self::Jitter => "jitter",
        }
    }

    /// Unit of its value.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Center | Self::Drift | Self::Jitter => "columns",
            Self::DetectorV => "rows",
            Self::Roll | Self::Tilt => "degrees",
            Self::SourceDistance => "%",
        }
    }

    /// How far from 0 it is looked for, in its unit, on a detector of `[rows, columns]`.
    pub(crate) fn reach(self, [rows, columns]: [usize; 2]) -> f64 {
        match self {
            Self::Center => 0.2 * columns as f64,
            Self::DetectorV => 0.2 * rows as f64,
            Self::Roll | Self::Tilt => 5.0,
            Self::SourceDistance => 10.0,
            Self::Drift | Self::Jitter => 0.05 * columns as f64,
        }
    }

    /// Refuses a scan that cannot show the parameter.
    ///
    /// # Errors
    /// [`Error::Config`] that names it and says why.
    pub(crate) fn check(self, geometry: &Geometry) -> Result<()> {
        let orbit = geometry.orbit.as_ref();
        let divergent = orbit.is_some_and(|orbit| orbit.source_to_axis.is_some());
        let why = match self {
            _ if orbit.is_none() => "needs views on a circle about z",
            _ if geometry.detector.shape == DetectorShape::Cylindrical => "needs a flat detector",
            _ if orbit.is_some_and(|orbit| orbit.arc < LEAST_ARC) => {
                "needs views over about half a turn: over less, the object takes what is the scanner's"
            }
            Self::DetectorV | Self::Roll | Self::Tilt if geometry.detector.rows < 2 => {
                "means nothing to a detector of one row"
            }
            Self::DetectorV if !divergent => {
                "means nothing to a parallel beam: a higher detector sees the same of a higher object"
            }
            Self::Tilt if !divergent => {
                "means nothing to a parallel beam: a leaning detector sees the same of a lower object"
            }
            Self::SourceDistance if !divergent => "means nothing to a parallel beam, which has no source",
            _ => return Ok(()),
        };
        Err(Error::config("calibrate", format!("`{}` {why}", self.name())).hint("leave it out of the list"))
    }
}
