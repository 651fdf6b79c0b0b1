//! Scans of Bruker (SkyScan) scanners: a `.log` header beside TIFF images that the scanner has already flat-field
//! corrected.
//!
//! The pitch of the detector's pixels is `Image Pixel Size (um)`, the pixel size at the axis, times the magnification;
//! binning and camera ratio are included. Angles are multiples of `Rotation Step (deg)`. `Optical Axis (line)` is the
//! row, counted from the top, that lies in the plane of the source. The value of air is `Reference Intensity`, or else
//! the largest value that `Depth (bits)` allows. The header does not give the column of the axis.

use super::ini::Ini;
use super::tiff;
use super::{Frames, HeaderBeam, ScanHeader};
use crate::error::Result;
use std::ops::Range;
use std::path::Path;

/// Distance from source to object above which rays are taken as parallel, as in NRecon, mm.
const PARALLEL: f64 = 1e4;

/// Reads the scan of a folder; only `rows` of the detector.
///
/// # Errors
/// As [`super::nikon::read`].
pub fn read(folder: &Path, rows: Option<&Range<usize>>) -> Result<Frames> {
    let ini = Ini::in_folder(folder, "log")?;
    let views = ini.count("Number of Files")?;
    let prefix = ini.text("Filename Prefix").map_or_else(|| ini.stem(), str::to_string);
    let files = tiff::numbered(folder, &prefix, views)?;
    let step = ini.needed("Rotation Step (deg)")?;
    let angles = (0..views).map(|view| step * view as f64).collect();
    let mut frames = tiff::stack(folder, &files, rows)?.frames(folder, angles)?;
    frames.header = Some(header(&ini, frames.height)?);
    Ok(frames)
}

fn header(ini: &Ini, height: usize) -> Result<ScanHeader> {
    let axis = ini.number("Object to Source (mm)")?;
    let detector = ini.number("Camera to Source (mm)")?;
    let parallel = axis.is_some_and(|axis| axis > PARALLEL);
    let distances = axis.zip(detector).filter(|_| !parallel);
    let magnification = distances.map_or(1.0, |(axis, detector)| detector / axis);
    let pitch = ini.needed("Image Pixel Size (um)")? * 1e-3 * magnification;
    // Rows by which the optical axis is above the middle of the image: the detector's centre is then below the central
    // ray.
    let above = match ini.number("Optical Axis (line)")? {
        Some(line) if !parallel => (height as f64 - 1.0) / 2.0 - line,
        _ => 0.0,
    };
    let range = ini.number("Depth (bits)")?.map(|bits| bits.exp2() - 1.0);
    Ok(ScanHeader {
        beam: Some(if parallel { HeaderBeam::Parallel } else { HeaderBeam::Cone }),
        source_to_axis_mm: axis,
        source_to_detector_mm: detector,
        pitch_mm: Some([pitch; 2]),
        offset_mm: [-above * pitch, 0.0],
        open_beam: ini.number("Reference Intensity")?.or(range),
        ..ScanHeader::default()
    })
}
