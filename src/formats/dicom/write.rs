//! Writes a volume as a CT Image Storage series (PS3.3 A.3): one file per z slice, signed 16-bit Hounsfield units.
//!
//! The image is derived and secondary; study, patient and frame of reference are the source's where there is one,
//! series and instances are new. UIDs come from a hash, and the current date is not written, so the same export gives
//! the same bytes.

use super::dataset::{common, place};
use super::labels::{Identity, Labels};
use super::source::SourceSeries;
use super::syntax::EXPLICIT_LITTLE;
use crate::data::{Quantity, Volume};
use crate::error::{Error, Result};
use crate::formats::atomic;
use dicom_core::value::PrimitiveValue;
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Prefix of the file names, by which files of an earlier, longer export are recognized.
const STEM: &str = "slice-";

/// Result of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The files, in the order of the slices.
    pub files: Vec<PathBuf>,
    /// Number of voxels outside the range of int16, which were written as the nearest value within it.
    pub saturated: u64,
}

/// Writes each z slice of a Hounsfield volume as `slice-0001.dcm`, ... into `folder`, which is created if needed.
/// Slices that an earlier, longer export left there are removed.
///
/// # Errors
/// [`Error::Config`] for a volume that is not in Hounsfield units or too large for DICOM; [`Error::Resource`] when a
/// file cannot be written.
pub fn write_series(folder: &Path, volume: &Volume, labels: &Labels, source: Option<&SourceSeries>) -> Result<Written> {
    let [slices, rows, columns] = volume.grid.shape;
    check(volume).map_err(|problem| Error::config("", problem))?;
    std::fs::create_dir_all(folder).map_err(|error| Error::write(folder, &error))?;
    atomic::sweep(folder);
    let common = common(volume, labels, source);
    let linked = source.filter(|_| labels.identity == Identity::Keep);
    let write = |slice: usize| {
        let path = folder.join(format!("{STEM}{:04}.dcm", slice + 1));
        let (pixels, saturated) = stored(&volume.as_slice()[slice * rows * columns..][..rows * columns]);
        let mut object = common.clone();
        place(&mut object, volume, slice, linked);
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::I16(pixels.into())));
        let bytes = encode(object)
            .map_err(|problem| Error::resource(path.display().to_string(), format!("cannot encode: {problem}")))?;
        atomic::write(&path, &bytes).map(|()| (path, saturated))
    };
    let written: Vec<(PathBuf, u64)> = (0..slices).into_par_iter().map(write).collect::<Result<_>>()?;
    remove_stale(folder, slices);
    let saturated = written.iter().map(|(_, saturated)| saturated).sum();
    Ok(Written { files: written.into_iter().map(|(path, _)| path).collect(), saturated })
}

/// Refuses a volume that a CT series cannot hold.
fn check(volume: &Volume) -> std::result::Result<(), String> {
    let [_, rows, columns] = volume.grid.shape;
    if volume.quantity != Quantity::Hounsfield {
        return Err(format!("DICOM CT holds Hounsfield units, got a volume in {}", volume.quantity.unit()));
    }
    if rows.max(columns) > usize::from(u16::MAX) {
        return Err(format!("DICOM holds at most {} rows and columns, got {rows} x {columns}", u16::MAX));
    }
    Ok(())
}

/// Values rounded to int16, and the number of values that are outside its range.
fn stored(values: &[f32]) -> (Vec<i16>, u64) {
    let beyond = |v: &&f32| v.round() < f32::from(i16::MIN) || v.round() > f32::from(i16::MAX);
    // A cast saturates.
    (values.iter().map(|v| v.round() as i16).collect(), values.iter().filter(beyond).count() as u64)
}

fn encode(object: InMemDicomObject) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error>> {
    let object = object.with_meta(FileMetaTableBuilder::new().transfer_syntax(EXPLICIT_LITTLE))?;
    let mut bytes = Vec::new();
    object.write_all(&mut bytes)?;
    Ok(bytes)
}

/// Removes the files `slice-NNNN.dcm` whose numbers are beyond the last slice.
fn remove_stale(folder: &Path, slices: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix(STEM).and_then(|rest| rest.strip_suffix(".dcm")?.parse::<usize>().ok());
        if number.is_some_and(|number| number > slices) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_int16_are_counted() {
        assert_eq!(stored(&[-40000.0, 32767.4, 32767.6, -1000.5, 0.5]), (vec![i16::MIN, 32767, 32767, -1001, 1], 2));
    }
}
