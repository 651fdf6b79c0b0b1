//! The parameters of a scanner that can be estimated: names, units and applicable scans.

use crate::data::{DetectorShape, Geometry};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A parameter of the scanner that is estimated from the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// Offset of the axis of rotation from its given position on the detector, columns.
    Center,
    /// Offset of the detector along +v from its given position, rows. Cone beams only.
    DetectorV,
    /// Rotation of the detector in its own plane, degrees from u towards v. Scans with several rows only.
    Roll,
    /// Tilt of the detector about u, degrees, its upper rows towards the source. Cone beams only.
    Tilt,
    /// Increase of the source-to-detector distance, percent. The source-to-axis distance grows by the same factor, so
    /// that the magnification is kept, because the data do not show absolute sizes. Fan and cone beams only.
    SourceDistance,
    /// Movement of the axis on the detector from the first to the last view, linear in the number of the view, columns.
    Drift,
    /// Shift of every single view: columns, and rows if there are several.
    Jitter,
}

/// Smallest arc, radians (160 degrees). With a shorter one, a shift, a stretch or a shear of the object can compensate
/// a wrong scan: over 30 degrees of a fan beam, an axis that was wrong by 30 columns predicted withheld views best.
const LEAST_ARC: f64 = 160.0 * std::f64::consts::PI / 180.0;

/// Values of the parameters in their units, in the order of [`Parameter::STEADY`].
pub(crate) type Values = [f64; 6];

impl Parameter {
    /// The parameters that are one number for the whole scan, in the order of [`Values`].
    pub(crate) const STEADY: [Self; 6] =
        [Self::Center, Self::DetectorV, Self::Roll, Self::Tilt, Self::SourceDistance, Self::Drift];

    /// Name as in the YAML.
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

    /// Unit of the value.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Center | Self::Drift | Self::Jitter => "columns",
            Self::DetectorV => "rows",
            Self::Roll | Self::Tilt => "degrees",
            Self::SourceDistance => "%",
        }
    }

    /// Largest absolute value of the search, in its unit, for a detector of `[rows, columns]`.
    pub(crate) fn reach(self, [rows, columns]: [usize; 2]) -> f64 {
        match self {
            Self::Center => 0.2 * columns as f64,
            Self::DetectorV => 0.2 * rows as f64,
            Self::Roll | Self::Tilt => 5.0,
            Self::SourceDistance => 10.0,
            Self::Drift | Self::Jitter => 0.05 * columns as f64,
        }
    }

    /// Refuses a scan from which the parameter cannot be estimated.
    ///
    /// # Errors
    /// [`Error::Config`] with the parameter and the reason.
    pub(crate) fn check(self, geometry: &Geometry) -> Result<()> {
        let orbit = geometry.orbit.as_ref();
        let divergent = orbit.is_some_and(|orbit| orbit.source_to_axis.is_some());
        let why = match self {
            _ if orbit.is_none() => "needs views on a circle about z",
            _ if geometry.detector.shape == DetectorShape::Cylindrical => "needs a flat detector",
            _ if orbit.is_some_and(|orbit| orbit.arc < LEAST_ARC) => {
                "needs views over about half a turn: over less, a changed object can compensate the scanner's error"
            }
            Self::DetectorV | Self::Roll | Self::Tilt if geometry.detector.rows < 2 => {
                "cannot be estimated with a detector of one row"
            }
            Self::DetectorV if !divergent => {
                "cannot be estimated with a parallel beam: a higher detector looks like a higher object"
            }
            Self::Tilt if !divergent => {
                "cannot be estimated with a parallel beam: a tilted detector looks like an object of another height"
            }
            Self::SourceDistance if !divergent => "cannot be estimated with a parallel beam, which has no source",
            _ => return Ok(()),
        };
        Err(Error::config("calibrate", format!("`{}` {why}", self.name())).hint("leave it out of the list"))
    }
}
