//! recon's own JSON schema: every view as plain vectors in world mm (LPS), angles in radians. The only format that
//! stores a scan geometry completely, including its orbit.

use super::ScanFormat;
use crate::data::{Geometry, Poses};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Version of the schema.
const SCHEMA: u32 = 1;

/// The document as stored in the file.
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

/// The keys that identify the format and its version. They are read first, so that an unknown version is not reported
/// as an unknown key.
#[derive(Deserialize)]
struct Mark {
    format: String,
    schema: u32,
}

const MARK: &str = "recon-geometry";
const UNITS: &str = "mm in patient axes LPS (x to the left, y to the back, z to the head), radians";

/// The entry in the list of scan formats.
pub(super) const FORMAT: ScanFormat = ScanFormat {
    name: "recon JSON",
    file: "geometry.json",
    claims,
    parse: |text| parse(text).map(Poses::from),
    render,
};

fn claims(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains(MARK)
}

fn render(geometry: &Geometry) -> Result<String, String> {
    let document =
        Document { format: MARK.into(), schema: SCHEMA, units: UNITS.into(), geometry: Cow::Borrowed(geometry) };
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(|error| error.to_string())
}

pub(super) fn parse(text: &str) -> Result<Geometry, String> {
    let not = |error: serde_json::Error| format!("not a scan geometry: {error}");
    let mark: Mark = serde_json::from_str(text).map_err(not)?;
    if mark.format != MARK || mark.schema != SCHEMA {
        return Err(format!("expected {MARK} of schema {SCHEMA}, got {} of schema {}", mark.format, mark.schema));
    }
    let document: Document = serde_json::from_str(text).map_err(not)?;
    let Geometry { views, detector, orbit } = document.geometry.into_owned();
    Geometry::new(views, detector, orbit).map_err(|error| error.to_string())
}
