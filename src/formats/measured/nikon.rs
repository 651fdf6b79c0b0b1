//! Scans of Nikon (X-Tek) scanners: a `.xtekct` header beside TIFF images of counts.
//!
//! As the Core Imaging Library reads it (J. S. Jørgensen et al., Phil. Trans. R. Soc. A 379 (2021) 20200192): source,
//! object and centre of the detector are on one line except for `ObjectOffsetX`; the object's angle in view k is
//! `InitialAngle` + k `AngularStep`, and `.ang` and `_ctdata.txt` are not read. The images are seen from behind the
//! detector, top row first, so the columns are reversed. `WhiteLevel` is the value of the open beam.

use super::ini::Ini;
use super::tiff;
use super::{Frames, HeaderBeam, ScanHeader};
use crate::data::Warning;
use crate::error::Result;
use std::ops::Range;
use std::path::Path;

/// Largest tilt of the axis along the beam that is ignored without a warning, degrees.
const TILT: f64 = 0.02;

/// Reads the scan of a folder; only `rows` of the detector.
///
/// # Errors
/// [`crate::error::Error::Input`] for a folder without exactly one header, a header that lacks a needed key, images
/// that are missing or damaged.
pub fn read(folder: &Path, rows: Option<&Range<usize>>) -> Result<Frames> {
    let ini = Ini::in_folder(folder, "xtekct")?;
    let views = ini.count("Projections")?;
    let name = ini.text("Name").map_or_else(|| ini.stem(), str::to_string);
    let separator = ini.text("InputSeparator").unwrap_or("_");
    let files = tiff::numbered(folder, &format!("{name}{separator}"), views)?;
    let (first, step) = (ini.number("InitialAngle")?.unwrap_or(0.0), ini.needed("AngularStep")?);
    let angles = (0..views).map(|view| first + step * view as f64).collect();
    let mut frames = tiff::stack(folder, &files, rows)?.frames(folder, angles)?;
    frames.turn_columns();
    if ini.number("ObjectTilt")?.is_some_and(|tilt| tilt.abs() > TILT) {
        let message = "the axis is tilted along the beam (ObjectTilt); the tilt is ignored";
        frames.warnings.push(Warning::new("header_partial", message));
    }
    frames.header = Some(header(&ini)?);
    Ok(frames)
}

fn header(ini: &Ini) -> Result<ScanHeader> {
    let (axis, detector) = (ini.needed("SrcToObject")?, ini.needed("SrcToDetector")?);
    let pitch = [ini.needed("DetectorPixelSizeY")?, ini.needed("DetectorPixelSizeX")?];
    // Distance of the projected axis from the detector's centre, at its top and at its bottom, mm on the detector.
    let (top, bottom) =
        (ini.number("CentreOfRotationTop")?.unwrap_or(0.0), ini.number("CentreOfRotationBottom")?.unwrap_or(0.0));
    let offset = match ini.number("ObjectOffsetX")? {
        Some(object) => object * detector / axis,
        None => f64::midpoint(top, bottom),
    };
    let roll = match ini.number("ObjectRoll")? {
        Some(degrees) => degrees,
        None => -(top - bottom).atan2(ini.needed("DetectorPixelsY")? * pitch[0]).to_degrees(),
    };
    Ok(ScanHeader {
        beam: Some(HeaderBeam::Cone),
        source_to_axis_mm: Some(axis),
        source_to_detector_mm: Some(detector),
        pitch_mm: Some(pitch),
        offset_mm: [0.0, offset],
        rotation_deg: roll,
        center_column: None,
        open_beam: ini.number("WhiteLevel")?.filter(|level| *level > 0.0),
    })
}
