//! DICOM files that hold no image: indexes of media (DICOMDIR), structured reports, plans, waveforms.

use super::file::DicomFile;
use crate::error::Result;
use std::path::Path;

/// Descriptions of storage classes by the beginnings of their UIDs (PS3.6 A); a longer beginning stands before a
/// shorter one.
const CLASSES: [(&str, &str); 10] = [
    ("1.2.840.10008.1.3.10", "a DICOMDIR, the index of the files on a medium"),
    ("1.2.840.10008.5.1.4.1.1.88.59", "a selection of key objects"),
    ("1.2.840.10008.5.1.4.1.1.88.", "a structured report"),
    ("1.2.840.10008.5.1.4.1.1.104.", "an encapsulated document"),
    ("1.2.840.10008.5.1.4.1.1.11.", "a presentation state"),
    ("1.2.840.10008.5.1.4.1.1.9.", "a waveform"),
    ("1.2.840.10008.5.1.4.1.1.66", "raw data, a registration or surfaces"),
    ("1.2.840.10008.5.1.4.1.1.481.3", "a set of contours for radiotherapy"),
    ("1.2.840.10008.5.1.4.1.1.481.2", "a dose of radiotherapy without its pixels"),
    ("1.2.840.10008.5.1.4.1.1.481.", "a plan or record of radiotherapy"),
];

/// Describes a DICOM file without pixels; `None` for a file that is not DICOM, or has pixels.
///
/// # Errors
/// [`crate::error::Error::Input`] for a DICOM file that is damaged.
pub(super) fn what(path: &Path) -> Result<Option<String>> {
    let Some(file) = DicomFile::open_header(path, |_| false)?.filter(|file| file.stored().is_none()) else {
        return Ok(None);
    };
    let known = CLASSES.iter().find(|(start, _)| file.class.starts_with(start));
    let what = known.map_or("a DICOM file without pixels", |(_, what)| what);
    Ok(Some(format!("{what} (storage class {})", file.class)))
}

/// Advice for a path without images.
pub(super) const HINT: &str = "give the folder that holds the slices of one CT series";
