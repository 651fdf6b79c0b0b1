//! Reads and writes scan geometries: recon's own JSON and CSV, ASTRA's 12-vectors, RTK's circular-geometry XML.
//!
//! A format is recognized by the content of the file. Formats that do not store everything (RTK's lacks the number of
//! pixels and their pitch, bare 12-vectors lack the number of pixels) are read as [`Poses`]; `geometry.json` gives the
//! whole [`Geometry`].

mod astra;
mod csv;
mod json;
mod rtk;
mod table;

use super::describe::{Candidate, Description, tidy};
use super::{Format, atomic};
use crate::data::{Detector, Geometry, Poses, Source, norm, sub};
use crate::error::{Error, Result};
use crate::input_path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Largest file that is read, bytes: about a million views.
const MAX_BYTES: u64 = 1 << 29;

/// The entry in the list of formats.
pub(super) const FORMAT: Format =
    Format { name: "scan geometry", looks_like: "geometry.json, .csv, .txt of 12 columns, RTK .xml", describe };

/// A file format of scan geometries. A new one needs a module, its `mod` line and its arm in
/// [`GeometryFormat::format`].
struct ScanFormat {
    name: &'static str,
    /// Name of the file in a run folder.
    file: &'static str,
    /// Whether a text is in this format, even if it is damaged.
    claims: fn(&str) -> bool,
    parse: fn(&str) -> std::result::Result<Poses, String>,
    render: fn(&Geometry) -> std::result::Result<String, String>,
}

/// File format of a scan geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GeometryFormat {
    /// geometry.json: the complete geometry, numbers without rounding.
    Json,
    /// geometry.csv: one line per view, with a header.
    Csv,
    /// geometry.astra.txt: ASTRA's cone_vec or parallel3d_vec, 12 numbers per view, as numpy.loadtxt reads them.
    Astra,
    /// geometry.rtk.xml: RTK's ThreeDCircularProjectionGeometry.
    Rtk,
}

impl GeometryFormat {
    /// All of them, in the order in which they are probed.
    pub const ALL: [Self; 4] = [Self::Json, Self::Rtk, Self::Csv, Self::Astra];

    fn format(self) -> &'static ScanFormat {
        match self {
            Self::Json => &json::FORMAT,
            Self::Csv => &csv::FORMAT,
            Self::Astra => &astra::FORMAT,
            Self::Rtk => &rtk::FORMAT,
        }
    }

    /// Name of its file in a run folder.
    #[must_use]
    pub fn file(self) -> &'static str {
        self.format().file
    }

    /// Writes a scan geometry, completely or not at all.
    ///
    /// # Errors
    /// [`Error::Resource`] when the file cannot be written; [`Error::Input`] when the format cannot represent the scan.
    pub fn write(self, path: &Path, geometry: &Geometry) -> Result<()> {
        let text = (self.format().render)(geometry).map_err(|problem| {
            Error::input(path, format!("this scan geometry cannot be written as {}: {problem}", self.format().name))
        })?;
        atomic::write(path, text.as_bytes())
    }
}

/// Writes a scan geometry as recon's JSON, completely or not at all. Numbers are not rounded.
///
/// # Errors
/// [`Error::Resource`] when the file cannot be written.
pub fn write(path: &Path, geometry: &Geometry) -> Result<()> {
    GeometryFormat::Json.write(path, geometry)
}

/// Reads a scan geometry that [`write()`] wrote.
///
/// # Errors
/// [`Error::Input`] when the file is missing, not such JSON, of another schema version, or describes an impossible
/// scan.
pub fn read(path: &Path) -> Result<Geometry> {
    json::parse(&input_path::read_text(path, MAX_BYTES)?)
        .map_err(|problem| Error::input(path, problem).hint("write it again with this version"))
}

/// Reads the poses of a scan from a file in any of [`GeometryFormat::ALL`].
///
/// # Errors
/// [`Error::Input`] when the file is missing, in none of the formats, damaged, or its views are impossible.
pub fn read_poses(path: &Path) -> Result<Poses> {
    let text = input_path::read_text(path, MAX_BYTES)?;
    let found = GeometryFormat::ALL.iter().map(|kind| kind.format()).find(|format| (format.claims)(&text));
    let format = found.ok_or_else(|| {
        let names: Vec<&str> = GeometryFormat::ALL.iter().map(|kind| kind.format().name).collect();
        Error::input(path, "not a scan geometry").hint(format!("understood are {}", names.join(", ")))
    })?;
    let damaged = |problem: String| Error::input(path, format!("{}: {problem}", format.name));
    let poses = (format.parse)(&text).map_err(damaged)?;
    // Impossible views are an error of the file whatever the detector, so a detector of one pixel may stand in here.
    let [rows, columns] = poses.pixels.unwrap_or([1, 1]);
    Geometry::new(poses.views.clone(), Detector { rows, columns, shape: poses.shape }, poses.orbit.clone())
        .map_err(|error| damaged(error.to_string()))?;
    Ok(poses)
}

fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let start = String::from_utf8_lossy(&candidate.head);
    let named = candidate.name == "geometry.json";
    let marked = GeometryFormat::ALL.iter().any(|kind| (kind.format().claims)(&start));
    (!candidate.is_folder && (named || marked)).then(|| read_poses(candidate.path).map(|poses| rows(&poses)))
}

fn rows(poses: &Poses) -> Description {
    let mut description = Description::new("scan geometry");
    let first = &poses.views[0];
    description.row("beam", beam(poses));
    description.row("views", poses.views.len().to_string());
    let pixels = poses.pixels.map_or("not given".to_string(), |[rows, columns]| format!("{rows} x {columns}"));
    description.row("detector [rows, columns]", pixels);
    let pitch = if poses.pitched {
        format!("{} x {} mm", tidy(norm(first.v)), tidy(norm(first.u)))
    } else {
        "not given".to_string()
    };
    description.row("pitch [v, u]", pitch);
    if let Source::Point(source) = first.source {
        description.row("source to detector centre", format!("{} mm", tidy(norm(sub(first.center, source)))));
    }
    if let Some(orbit) = &poses.orbit {
        let distance = orbit.source_to_axis.map_or(String::new(), |d| format!(", source to axis {} mm", tidy(d)));
        description.row("orbit", format!("circle of {} degrees{distance}", tidy(orbit.arc.to_degrees())));
    }
    description
}

fn beam(poses: &Poses) -> &'static str {
    match (poses.views[0].source, poses.pixels) {
        (Source::Direction(_), _) => "parallel beam",
        (Source::Point(_), Some([1, _])) => "fan beam",
        (Source::Point(_), _) => "cone beam",
    }
}
