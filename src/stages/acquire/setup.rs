//! What stands beside the kind of input: how its numbers become line integrals of a scan.

use super::calibrate::Parameter;
use super::correction::Corrections;
use crate::error::{Error, Result};
use crate::geometries::GeometryKind;
use crate::registry::OneOf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Keys beside the kind of input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Setup {
    /// The scan, as for `simulate`; may be left out where a scanner's header describes it. Views, pixels and (where the
    /// file has them) angles come from the data; give the pitch of the detector's own pixels. Without a pitch lengths
    /// are in pixels.
    pub geometry: Option<OneOf<GeometryKind>>,
    /// What the numbers are. Default: counts where there are flats, else line integrals.
    pub values: Option<Values>,
    /// Counts of the open beam, where there are no flats.
    pub open_beam: Option<f64>,
    /// Unit of the angles in the file.
    pub angles_in: AngleUnit,
    /// Take the views as turning the other way round.
    pub reverse_angles: bool,
    /// Rows of the detector to use, [first, end]; the end is left out. One row makes a 2-D scan.
    pub rows: Option<[usize; 2]>,
    /// Which end of the object the first row of an image shows. Default: top for TIFF, as cameras and viewers store
    /// pictures (bottom with poses, which say where rows go); bottom, rows growing with +z, for all other formats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_row: Option<FirstRow>,
    /// Pixels averaged along rows and columns before the logarithm.
    pub bin: usize,
    /// Column (of the file, counted from 0) on which the axis of rotation falls, or auto to find it. Default: the
    /// middle, moved by the geometry's offset_mm.
    pub center_of_rotation: Option<Axis>,
    /// Parameters of the scanner to find from the data alone, beginning with what `geometry` says: any of center,
    /// detector_v, roll, tilt, source_distance, drift, jitter. What predicts withheld views no better is not used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calibrate: Vec<Parameter>,
    /// Columns at each edge of the detector that see only air in every view: their mean is brought to zero, view by
    /// view.
    pub air_columns: usize,
    /// Pixels that stand out from their neighbours by so many robust standard deviations are replaced; 0 keeps all.
    pub zinger_sigma: f64,
    /// Corrections of the line integrals: drift, bad pixels, rings, beam hardening. Default: none.
    pub correct: Corrections,
    /// Attenuation of water for this beam, 1/mm. With it volumes are in HU, without it in attenuation (1/mm).
    pub mu_water_per_mm: Option<f64>,
    /// Look at the data before anything long is begun.
    pub preflight: Preflight,
    /// Number of views, spread evenly over the directions, that no method is given: they judge what each method's
    /// volume shows from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<usize>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            geometry: None,
            values: None,
            open_beam: None,
            angles_in: AngleUnit::Degrees,
            reverse_angles: false,
            rows: None,
            first_row: None,
            bin: 1,
            center_of_rotation: None,
            calibrate: Vec::new(),
            air_columns: 0,
            zinger_sigma: 12.0,
            correct: Corrections::default(),
            mu_water_per_mm: None,
            preflight: Preflight::Stop,
            held_out: None,
        }
    }
}

/// What the numbers of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// Counts of the detector: divided by the flats (less the darks), then the logarithm is taken.
    Counts,
    /// Already divided by the open beam, air is 1: the logarithm is taken.
    Transmission,
    /// The logarithm is taken, air is 0.
    LineIntegrals,
}

impl Values {
    /// For messages, as in the YAML.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Transmission => "transmission",
            Self::LineIntegrals => "line_integrals",
        }
    }
}

/// Which end of the object the first row of an image shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstRow {
    /// The end at +z: rows are turned round when they are read.
    Top,
    /// The end at -z: rows grow with +z.
    Bottom,
}

/// Unit of angles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AngleUnit {
    /// A turn is 360.
    #[default]
    Degrees,
    /// A turn is 2π.
    Radians,
}

/// What becomes of the preflight's findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preflight {
    /// What cannot be is an error, what is odd a warning.
    #[default]
    Stop,
    /// Everything is a warning.
    Warn,
    /// Nothing is looked at.
    Off,
}

/// Where the axis of rotation falls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a column such as 319.5, or auto")]
pub enum Axis {
    /// A column of the file, counted from 0.
    Column(f64),
    /// To be found.
    Found(Auto),
}

/// The word `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// Chosen so that the views fit together best.
    Auto,
}

crate::sibling_keys!(Setup {
    geometry,
    values,
    open_beam,
    angles_in,
    reverse_angles,
    rows,
    first_row,
    bin,
    center_of_rotation,
    calibrate,
    air_columns,
    zinger_sigma,
    correct,
    mu_water_per_mm,
    preflight,
    held_out
});

impl Setup {
    /// Refuses what no data could have, and a scan that neither these keys nor a header describes.
    ///
    /// # Errors
    /// The key and what it should be.
    pub fn check(&self, needs_geometry: bool) -> Result<()> {
        let positive = |key: &str, value: Option<f64>| match value {
            Some(value) if !(value.is_finite() && value > 0.0) => {
                Err(Error::config(key, format!("expected a positive number, got {value}")))
            }
            _ => Ok(()),
        };
        positive("open_beam", self.open_beam)?;
        positive("mu_water_per_mm", self.mu_water_per_mm)?;
        self.correct.check().map_err(|error| error.under("correct"))?;
        if needs_geometry && self.geometry.is_none() {
            return Err(Error::config("geometry", "expected the scan")
                .hint("such as geometry: {parallel: {detector: {pitch_mm: 0.01}}}"));
        }
        if self.bin == 0 || self.bin > 64 {
            return Err(Error::config("bin", format!("expected 1 to 64 pixels, got {}", self.bin)));
        }
        if !(self.zinger_sigma.is_finite() && (self.zinger_sigma == 0.0 || self.zinger_sigma >= 3.0)) {
            return Err(Error::config("zinger_sigma", format!("expected 0, or 3 or more, got {}", self.zinger_sigma)));
        }
        if let Some([first, end]) = self.rows.filter(|[first, end]| first >= end) {
            return Err(Error::config(
                "rows",
                format!("expected [first, end] with first below end, got [{first}, {end}]"),
            ));
        }
        if let Some(i) = (1..self.calibrate.len()).find(|&i| self.calibrate[..i].contains(&self.calibrate[i])) {
            return Err(Error::config("calibrate", format!("`{}` stands twice", self.calibrate[i].name())));
        }
        match self.center_of_rotation {
            Some(Axis::Column(column)) if !column.is_finite() => {
                Err(Error::config("center_of_rotation", "expected a finite column, or auto"))
            }
            _ => Ok(()),
        }
    }

    /// The rows to read.
    pub(super) fn rows(&self) -> Option<Range<usize>> {
        self.rows.map(|[first, end]| first..end)
    }
}
