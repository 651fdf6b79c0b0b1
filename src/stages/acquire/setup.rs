//! Keys beside the kind of input: how the values of the file become line integrals of a scan.

use super::calibrate::Parameter;
use super::correction::Corrections;
use crate::error::{Error, Result};
use crate::geometries::GeometryKind;
use crate::registry::OneOf;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Description of the measured data: scan, kind of values, and corrections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Setup {
    /// The scan, as in `simulate`; may be left out if a scanner's header describes it. Number of views, pixels and (if
    /// the file has them) angles come from the data; give the pitch of the unbinned pixels. Without a pitch, lengths
    /// are in pixels.
    pub geometry: Option<OneOf<GeometryKind>>,
    /// Kind of the values. Default: counts if there are flats or `open_beam`, otherwise line integrals.
    pub values: Option<Values>,
    /// Counts of the open beam, for data without flats.
    pub open_beam: Option<f64>,
    /// Unit of the angles in the file.
    pub angles_in: AngleUnit,
    /// Reverse the sense of rotation of the views.
    pub reverse_angles: bool,
    /// Detector rows to use, [first, end], counted from 0; `end` itself is left out. One row makes a 2-D scan. `null`:
    /// all.
    pub rows: Option<[usize; 2]>,
    /// Which end of the object the first image row shows. Default: `top` for TIFF images (also those of scanner
    /// folders), `bottom` (rows grow with +z) for all other formats and always with poses, which define the direction
    /// of the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_row: Option<FirstRow>,
    /// Number of pixels along rows and columns that are averaged into one, 1 to 64. Transmissions are averaged before
    /// the logarithm is taken.
    pub bin: usize,
    /// Column of the file, counted from 0 (with fraction), on which the axis of rotation falls, or `auto` to find it.
    /// Default: the middle of the detector, shifted by the geometry's `offset_mm`.
    pub center_of_rotation: Option<Axis>,
    /// Parameters of the scanner that are estimated from the data, starting from `geometry`: any of center, detector_v,
    /// roll, tilt, source_distance, drift, jitter. They are used only if they predict withheld views better. Default:
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calibrate: Vec<Parameter>,
    /// Number of file columns at each edge of the detector that see only air in every view; in each view and row, their
    /// mean is set to zero. 0: no correction.
    pub air_columns: usize,
    /// Replace samples that differ from their neighbours by more than this many robust standard deviations (zingers);
    /// at least 3. 0: keep all.
    pub zinger_sigma: f64,
    /// Corrections of the line integrals: drift, bad pixels, rings, beam hardening. Default: none.
    pub correct: Corrections,
    /// Attenuation of water for this beam, 1/mm. If given, volumes are in HU, otherwise in attenuation (1/mm).
    pub mu_water_per_mm: Option<f64>,
    /// Check the data before the reconstruction, and treat impossible findings as errors or as warnings.
    pub preflight: Preflight,
    /// Number of views, spread evenly over the directions, that no method is given. Methods are judged by how well
    /// their volumes predict these views. `null`: 10 if `evaluate.views` is given, otherwise none.
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

/// Kind of the values of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// Counts of the detector: after subtraction of the darks they are divided by the flats, and the logarithm is
    /// taken.
    Counts,
    /// Already divided by the open beam (1 in air): only the logarithm is taken.
    Transmission,
    /// The logarithm is already taken (0 in air).
    LineIntegrals,
}

impl Values {
    /// Name as in the YAML, for messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Transmission => "transmission",
            Self::LineIntegrals => "line_integrals",
        }
    }
}

/// End of the object that the first image row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstRow {
    /// The end at +z: rows are reversed when they are read.
    Top,
    /// The end at -z: rows grow with +z.
    Bottom,
}

/// Unit of angles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AngleUnit {
    /// Degrees: a full turn is 360.
    #[default]
    Degrees,
    /// Radians: a full turn is 2π.
    Radians,
}

/// Treatment of the preflight's findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preflight {
    /// Impossible findings are errors, suspicious ones are warnings.
    #[default]
    Stop,
    /// All findings are warnings.
    Warn,
    /// The preflight is skipped.
    Off,
}

/// Position of the axis of rotation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a column such as 319.5, or auto")]
pub enum Axis {
    /// A column of the file, counted from 0.
    Column(f64),
    /// Search for the axis.
    Found(Auto),
}

/// The word `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// The column at which the views fit together best.
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
    /// Refuses invalid keys, and a missing `geometry` if `needs_geometry`, that is, if no header describes the scan.
    ///
    /// # Errors
    /// [`Error::Config`] with the key and the expected value.
    pub fn check(&self, needs_geometry: bool) -> Result<()> {
        for (key, value) in [("open_beam", self.open_beam), ("mu_water_per_mm", self.mu_water_per_mm)] {
            value.map_or(Ok(()), |value| require::positive(key, value))?;
        }
        self.correct.check().map_err(|error| error.under("correct"))?;
        if needs_geometry && self.geometry.is_none() {
            return Err(Error::config("geometry", "expected the scan")
                .hint("such as geometry: {parallel: {detector: {pitch_mm: 0.01}}}"));
        }
        self.check_samples()?;
        if let Some(i) = (1..self.calibrate.len()).find(|&i| self.calibrate[..i].contains(&self.calibrate[i])) {
            return Err(Error::config("calibrate", format!("`{}` is listed twice", self.calibrate[i].name())));
        }
        match self.center_of_rotation {
            Some(Axis::Column(column)) if !column.is_finite() => {
                Err(Error::config("center_of_rotation", "expected a finite column, or auto"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses impossible values of the keys that bin, clean and select samples.
    fn check_samples(&self) -> Result<()> {
        require::holds((1..=64).contains(&self.bin), "bin", "1 to 64 pixels", self.bin)?;
        let sigma = self.zinger_sigma;
        let possible = sigma.is_finite() && (sigma == 0.0 || sigma >= 3.0);
        require::holds(possible, "zinger_sigma", "0, or 3 or more", sigma)?;
        if let Some([first, end]) = self.rows {
            let found = format!("[{first}, {end}]");
            require::holds(first < end, "rows", "[first, end] with first below end", found)?;
        }
        Ok(())
    }

    /// The detector rows to read; `None` for all.
    pub(super) fn rows(&self) -> Option<Range<usize>> {
        self.rows.map(|[first, end]| first..end)
    }
}
