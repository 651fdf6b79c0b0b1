//! Warnings about files of a series that are unusual but can be read.

use super::header::Image;
use super::series::Series;
use crate::data::{Warning, Warnings};
use crate::progress;
use std::collections::BTreeSet;

/// Warnings about a series as a whole.
pub(super) fn doubts(series: &Series) -> Warnings {
    let found = [rescale_type(series), preamble(series), frames_of_reference(series), repeated(series)];
    found.into_iter().flatten().collect()
}

fn rescale_type(series: &Series) -> Option<Warning> {
    let unspecified = |image: &Image| image.rescale_type().is_some_and(|kind| kind == "US");
    let text = "the files do not say that their values are Hounsfield units (Rescale Type US)";
    series.images.iter().any(unspecified).then(|| Warning::new("dicom_rescale_type", text))
}

fn preamble(series: &Series) -> Option<Warning> {
    let (image, what) = series.images.iter().find_map(|image| Some((image, image.preamble?)))?;
    let place = progress::place(&image.path);
    let text = format!("{place}: its preamble looks like {what}; it is a valid DICOM file but may not be only that");
    Some(Warning::new("dicom_preamble", text))
}

/// Positions have a meaning within one frame of reference only (PS3.3 C.7.4.1).
fn frames_of_reference(series: &Series) -> Option<Warning> {
    let frames: BTreeSet<&str> = series.images.iter().map(|image| image.frame_of_reference.as_str()).collect();
    let text = format!(
        "its files belong to {} frames of reference: slices may not lie where their positions say",
        frames.len()
    );
    (frames.len() > 1).then(|| Warning::new("dicom_frame_of_reference", text))
}

/// An instance has a UID of its own (PS3.3 C.12.1).
fn repeated(series: &Series) -> Option<Warning> {
    let mut seen = BTreeSet::new();
    let named = series.images.iter().filter(|image| !image.instance.is_empty());
    let again = named.filter(|image| !seen.insert(&image.instance)).count();
    let text = format!("{again} file(s) have the SOP Instance UID of another file of the series; all are read");
    (again > 0).then(|| Warning::new("dicom_repeated_uid", text))
}
