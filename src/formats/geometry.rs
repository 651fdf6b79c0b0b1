//! Scans as JSON: our own schema, every view as plain vectors in world mm (LPS), angles in radians.

use super::describe::{Candidate, Description, tidy};
use super::{Format, atomic};
use crate::data::{Geometry, Source, norm, sub};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Version of the keys.
const SCHEMA: u32 = 1;
/// Largest file that is read: about a million views.
const MAX_BYTES: u64 = 1 << 29;

/// The entry in the list of formats.
pub(super) const FORMAT: Format = Format { name: "scan geometry", looks_like: "geometry.json", describe };

/// The document as it lies on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    /// [`MARK`].
    format: Cow<'a, str>,
    schema: u32,
    /// For human readers.
    units: Cow<'a, str>,
    geometry: Cow<'a, Geometry>,
}

/// Only what tells versions apart, so that an unknown version is not reported as an unknown key.
#[derive(Deserialize)]
struct Mark {
    format: String,
    schema: u32,
}

const MARK: &str = "recon-geometry";
const UNITS: &str = "mm in patient axes LPS (x to the left, y to the back, z to the head), radians";

/// Writes a scan, whole or not at all. Numbers keep every bit.
///
/// # Errors
/// [`Error::Resource`] when the file cannot be written.
pub fn write(path: &Path, geometry: &Geometry) -> Result<()> {
    let document = Document { format: MARK.into(), schema: SCHEMA, units: UNITS.into(), geometry: Cow::Borrowed(geometry) };
    atomic::write_with(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    })
}

/// Reads a scan that [`write()`] wrote.
///
/// # Errors
/// [`Error::Input`] when the file is missing, no such JSON, of another schema version, or describes an impossible scan.
pub fn read(path: &Path) -> Result<Geometry> {
    let text = text(path)?;
    let mark: Mark = serde_json::from_str(&text).map_err(|error| Error::input(path, format!("not a scan geometry: {error}")))?;
    if mark.format != MARK || mark.schema != SCHEMA {
        let problem = format!("expected {MARK} of schema {SCHEMA}, got {} of schema {}", mark.format, mark.schema);
        return Err(Error::input(path, problem).hint("write it again with this version"));
    }
    let document: Document = serde_json::from_str(&text).map_err(|error| Error::input(path, format!("not a scan geometry: {error}")))?;
    let Geometry { views, detector, orbit } = document.geometry.into_owned();
    Geometry::new(views, detector, orbit).map_err(|error| Error::input(path, error))
}

fn text(path: &Path) -> Result<String> {
    let fail = |error: std::io::Error| Error::read(path, &error);
    let mut text = String::new();
    File::open(path).map_err(fail)?.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(fail)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Error::input(path, format!("expected a scan geometry of at most {MAX_BYTES} bytes")));
    }
    Ok(text)
}

fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let start = String::from_utf8_lossy(&candidate.head);
    let named = candidate.name == "geometry.json";
    let marked = start.trim_start().starts_with('{') && start.contains(MARK);
    (!candidate.is_folder && (named || marked)).then(|| read(candidate.path).map(|geometry| rows(&geometry)))
}

fn rows(geometry: &Geometry) -> Description {
    let mut description = Description::new("scan geometry");
    let [views, rows, columns] = geometry.shape();
    let first = &geometry.views[0];
    let beam = match first.source {
        Source::Direction(_) => "parallel beam",
        Source::Point(_) if rows == 1 => "fan beam",
        Source::Point(_) => "cone beam",
    };
    description.row("beam", beam);
    description.row("views", views.to_string());
    description.row("detector [rows, columns]", format!("{rows} x {columns}"));
    description.row("pitch [v, u]", format!("{} x {} mm", tidy(norm(first.v)), tidy(norm(first.u))));
    if let Source::Point(source) = first.source {
        description.row("source to detector centre", format!("{} mm", tidy(norm(sub(first.center, source)))));
    }
    if let Some(orbit) = &geometry.orbit {
        let distance = orbit.source_to_axis.map_or(String::new(), |d| format!(", source to axis {} mm", tidy(d)));
        description.row("orbit", format!("circle of {} degrees{distance}", tidy(orbit.arc.to_degrees())));
    }
    description
}
