//! Settings of the scan that come from a scanner's header where the pipeline does not give them.

use super::setup::{Axis, Setup};
use crate::error::{Error, Result};
use crate::formats;
use crate::formats::measured::{Frames, HeaderBeam, ScanHeader};
use crate::geometries::GeometryKind;
use crate::registry::{Kinds, OneOf};
use serde_json::{Value, json};
use std::path::Path;

/// The keys of the pipeline, with missing ones taken from the header: scan, pixel pitch, axis and open beam. A
/// `geometry` in the pipeline replaces that of the header.
///
/// # Errors
/// A header that lacks a value that the scan needs, with its name.
pub(super) fn completed(setup: &Setup, frames: &Frames, place: &Path) -> Result<Setup> {
    let mut setup = setup.clone();
    let Some(header) = &frames.header else { return Ok(setup) };
    if setup.open_beam.is_none() && frames.flats.is_none() {
        setup.open_beam = header.open_beam;
    }
    if let Some(given) = &setup.geometry {
        setup.geometry = Some(pitched(given, header)?);
    } else {
        // A column for the axis in the pipeline replaces the header's detector offset, which describes the same thing.
        let aside = if setup.center_of_rotation.is_some() { 0.0 } else { header.offset_mm[1] };
        setup.geometry = Some(scan(header, aside, frames.height, place)?);
        setup.center_of_rotation = setup.center_of_rotation.or(header.center_column.map(Axis::Column));
    }
    Ok(setup)
}

/// The scan that a header describes.
fn scan(header: &ScanHeader, aside: f64, height: usize, place: &Path) -> Result<OneOf<GeometryKind>> {
    let detector = json!({
        "pitch_mm": header.pitch_mm.map_or(json!("auto"), |pitch| json!(pitch)),
        "offset_mm": [if height == 1 { 0.0 } else { header.offset_mm[0] }, aside],
        "rotation_deg": if height == 1 { 0.0 } else { header.rotation_deg },
    });
    match header.beam {
        Some(HeaderBeam::Parallel) => read(json!({"parallel": {"detector": detector}})),
        Some(HeaderBeam::Cone) => read(cone(header, &detector, place)?),
        None => Err(Error::config("acquire.geometry", "expected the scan: the file does not describe it")
            .hint("such as geometry: {parallel: {detector: {pitch_mm: 0.01}}}")),
    }
}

/// The circular scan that the header of a cone beam describes.
fn cone(header: &ScanHeader, detector: &Value, place: &Path) -> Result<Value> {
    let (axis, whole) = (header.source_to_axis_mm, header.source_to_detector_mm);
    let needed = [
        ("source_to_axis_mm", axis.is_some()),
        ("source_to_detector_mm", whole.is_some()),
        ("detector.pitch_mm", header.pitch_mm.is_some()),
    ];
    let missing: Vec<&str> = needed.into_iter().filter(|(_, given)| !given).map(|(name, _)| name).collect();
    if !missing.is_empty() {
        let problem = format!("the header of {} does not say {}", place.display(), missing.join(", "));
        return Err(Error::config("acquire.geometry", problem)
            .hint("give the whole scan, such as geometry: {cone: {source_to_axis_mm: ..., ...}}"));
    }
    Ok(json!({"cone": {"source_to_axis_mm": axis, "source_to_detector_mm": whole, "detector": detector}}))
}

/// The pipeline's scan with missing values taken from the header: the pixel pitch and, for poses, the detector offset.
fn pitched(given: &OneOf<GeometryKind>, header: &ScanHeader) -> Result<OneOf<GeometryKind>> {
    let mut value = serde_json::to_value(given).map_err(|error| Error::config("acquire.geometry", error))?;
    let posed = match &given.kind {
        // Poses that hold their own pixel size need no pitch.
        GeometryKind::Poses(poses) if formats::geometry::read_poses(&poses.file)?.pitched => return Ok(given.clone()),
        kind => matches!(kind, GeometryKind::Poses(_)),
    };
    let detector = value.get_mut(given.kind.name()).and_then(|kind| kind.get_mut("detector"));
    if let (Some(detector), Some(pitch)) = (detector, header.pitch_mm)
        && detector.get("pitch_mm").is_none_or(|own| own == &json!("auto") || own.is_null())
    {
        detector["pitch_mm"] = json!(pitch);
        if posed && detector.get("offset_mm") == Some(&json!([0.0, 0.0])) {
            detector["offset_mm"] = json!(header.offset_mm);
        }
    }
    read(value)
}

fn read(value: Value) -> Result<OneOf<GeometryKind>> {
    serde_json::from_value(value).map_err(|error| Error::config("acquire.geometry", error))
}
