//! Scans of GE (phoenix, Waygate) scanners: a `.pca` header beside TIFF images that the scanner has already flat-field
//! corrected.
//!
//! `FOD` and `FDD` are the distances from the focus to the object and to the detector, `PixelsizeX`, `PixelsizeY` the
//! pitch, mm; (`cx`, `cy`) is the pixel that the central ray hits, counted from 0. `CalibValue`, a correction of the
//! axis whose sign the vendor does not publish, is not applied. The value of air is `FreeRay`, where the header has it.

use super::ini::Ini;
use super::tiff;
use super::{Frames, HeaderBeam, ScanHeader};
use crate::data::Warning;
use crate::error::Result;
use std::ops::Range;
use std::path::Path;

/// Reads the scan of a folder; only `rows` of the detector.
///
/// # Errors
/// As [`super::nikon::read`].
pub fn read(folder: &Path, rows: Option<&Range<usize>>) -> Result<Frames> {
    let ini = Ini::in_folder(folder, "pca")?;
    let views = ini.count("NumberImages")?;
    let files = tiff::numbered(folder, &format!("{}_", ini.stem()), views)?;
    let sector = ini.number("RotationSector")?.unwrap_or(360.0);
    let angles = (0..views).map(|view| sector * view as f64 / views as f64).collect();
    let mut frames = tiff::stack(folder, &files, rows)?.frames(folder, angles)?;
    if let Some(shift) = ini.number("CalibValue")?.filter(|shift| *shift != 0.0) {
        let message = format!(
            "{}: CalibValue, a correction of the axis by {shift} pixels, is not applied since its sign is not known; \
             `center_of_rotation: auto` finds the axis",
            ini.path().display()
        );
        frames.warnings.push(Warning::new("header_partial", message));
    }
    frames.header = Some(header(&ini, frames.height)?);
    Ok(frames)
}

fn header(ini: &Ini, height: usize) -> Result<ScanHeader> {
    let pitch = [ini.needed("PixelsizeY")?, ini.needed("PixelsizeX")?];
    // Rows are stored from the top. Where the central ray is above the middle, the detector's centre is below the ray.
    let above = ini.number("cy")?.map_or(0.0, |row| (height as f64 - 1.0) / 2.0 - row);
    Ok(ScanHeader {
        beam: Some(HeaderBeam::Cone),
        source_to_axis_mm: Some(ini.needed("FOD")?),
        source_to_detector_mm: Some(ini.needed("FDD")?),
        pitch_mm: Some(pitch),
        offset_mm: [-above * pitch[0], 0.0],
        center_column: ini.number("cx")?,
        open_beam: ini.number("FreeRay")?.filter(|level| *level > 0.0),
        ..ScanHeader::default()
    })
}
