//! The data set of an exported slice: the attributes of the CT Image IOD (PS3.3 A.3).

use super::labels::{Identity, Labels};
use super::source::{KEPT, SourceSeries};
use super::uid::uid;
use crate::data::{Grid, Volume, dot, sub};
use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataElement, Length, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";

/// Attributes that must be present but may be empty (type 2 of the CT Image IOD).
const EMPTY: [(Tag, VR); 13] = [
    (tags::STUDY_DATE, VR::DA),
    (tags::STUDY_TIME, VR::TM),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::KVP, VR::DS),
    (tags::PATIENT_POSITION, VR::CS),
    (tags::STUDY_ID, VR::SH),
    (tags::ACQUISITION_NUMBER, VR::IS),
    (tags::POSITION_REFERENCE_INDICATOR, VR::LO),
    (tags::PATIENT_ID, VR::LO),
    (tags::PATIENT_NAME, VR::PN),
];

/// Unpaired body parts: Laterality must be absent for them, and present (if empty) for others (PS3.3 C.7.3.1).
const UNPAIRED: [&str; 30] = [
    "ABDOMEN",
    "ABDOMENPELVIS",
    "AORTA",
    "BLADDER",
    "BRAIN",
    "CHEST",
    "CHESTABDOMEN",
    "CHESTABDPELVIS",
    "COCCYX",
    "COLON",
    "CSPINE",
    "ESOPHAGUS",
    "HEAD",
    "HEADNECK",
    "HEART",
    "JAW",
    "LIVER",
    "LSPINE",
    "NECK",
    "PANCREAS",
    "PELVIS",
    "PROSTATE",
    "SKULL",
    "SPINE",
    "SPLEEN",
    "SSPINE",
    "STOMACH",
    "TRACHEA",
    "TSPINE",
    "WHOLEBODY",
];

/// Attributes that all slices share.
pub(super) fn common(volume: &Volume, labels: &Labels, source: Option<&SourceSeries>) -> InMemDicomObject {
    let mut object = identity(labels, source);
    let number = source.and_then(|source| source.value("SeriesNumber")?.parse::<i64>().ok()).unwrap_or(0);
    let number =
        number.saturating_add(labels.series_number_offset.into()).clamp(i32::MIN.into(), i32::MAX.into()).to_string();
    let content = content(volume);
    let study = texts_of(&object, tags::STUDY_INSTANCE_UID);
    let series = uid(&["series", &study, &content, &labels.series_description, &number]);
    text(&mut object, tags::SERIES_INSTANCE_UID, VR::UI, &series);
    text(&mut object, tags::SERIES_NUMBER, VR::IS, &number);
    image(&mut object, &volume.grid, labels);
    object
}

/// Patient, study and frame of reference: the source's, as far as they may be kept, or else new ones.
fn identity(labels: &Labels, source: Option<&SourceSeries>) -> InMemDicomObject {
    let mut object = unknown(source);
    // A patient whose name the source leaves empty gets none here either.
    if source.is_none() || labels.identity == Identity::Drop {
        let name = if source.is_some() { "ANONYMOUS" } else { "PHANTOM" };
        text(&mut object, tags::PATIENT_NAME, VR::PN, name);
        text(&mut object, tags::PATIENT_ID, VR::LO, name);
    }
    text(&mut object, tags::STUDY_INSTANCE_UID, VR::UI, &uid(&["study", &labels.study]));
    text(&mut object, tags::FRAME_OF_REFERENCE_UID, VR::UI, &uid(&["frame of reference", &labels.study]));
    for attribute in KEPT {
        let value = source.and_then(|source| source.value(attribute.keyword));
        if let Some(value) = value.and_then(|value| valid(attribute.vr, &value)) {
            text(&mut object, attribute.tag, attribute.vr, &value);
        }
    }
    object
}

/// The elements of type 2: present, and empty where nothing is known.
fn unknown(source: Option<&SourceSeries>) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    for (tag, vr) in EMPTY {
        object.put(DataElement::empty(tag, vr));
    }
    let part = source.and_then(|source| source.value("BodyPartExamined")).unwrap_or_default();
    if !UNPAIRED.contains(&part.as_str()) {
        object.put(DataElement::empty(tags::LATERALITY, VR::CS));
    }
    object
}

/// A hash of the data that is written: the grid and the rounded voxels. The UIDs are made from it, so that the same
/// result has the same UIDs, on every computer and with any number of threads.
fn content(volume: &Volume) -> String {
    let Grid { shape, spacing, origin, axes } = &volume.grid;
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{shape:?} {spacing:?} {origin:?} {axes:?}").as_bytes());
    for row in volume.as_slice().chunks(shape[2]) {
        let bytes: Vec<u8> = row.iter().flat_map(|value| (value.round() as i16).to_le_bytes()).collect();
        hasher.update(&bytes);
    }
    hasher.finalize().to_hex().to_string()
}

/// Adds the attributes that describe how the pixels were made, how they are stored, and their spacing and orientation.
fn image(object: &mut InMemDicomObject, grid: &Grid, labels: &Labels) {
    let version = concat!("recon ", env!("CARGO_PKG_VERSION"));
    let spacing = format!("{}\\{}", decimal(grid.spacing[1]), decimal(grid.spacing[2]));
    let axes = [grid.axes[2], grid.axes[1]].concat().into_iter().map(decimal).collect::<Vec<_>>().join("\\");
    let thickness = decimal(grid.spacing[0]);
    for (tag, vr, value) in [
        (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        (tags::IMAGE_TYPE, VR::CS, "DERIVED\\SECONDARY\\AXIAL"),
        (tags::SOP_CLASS_UID, VR::UI, CT_IMAGE_STORAGE),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::MANUFACTURER, VR::LO, "recon"),
        (tags::MANUFACTURER_MODEL_NAME, VR::LO, "recon"),
        (tags::SERIES_DESCRIPTION, VR::LO, &clean(&labels.series_description, 64)),
        (tags::DERIVATION_DESCRIPTION, VR::ST, &clean(&labels.derivation, 1024)),
        (tags::SLICE_THICKNESS, VR::DS, &thickness),
        (tags::SPACING_BETWEEN_SLICES, VR::DS, &thickness),
        (tags::SOFTWARE_VERSIONS, VR::LO, version),
        (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &axes),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        (tags::PIXEL_SPACING, VR::DS, &spacing),
        (tags::BURNED_IN_ANNOTATION, VR::CS, "NO"),
        (tags::WINDOW_CENTER, VR::DS, "40"),
        (tags::WINDOW_WIDTH, VR::DS, "400"),
        (tags::RESCALE_INTERCEPT, VR::DS, "0"),
        (tags::RESCALE_SLOPE, VR::DS, "1"),
        (tags::RESCALE_TYPE, VR::LO, "HU"),
    ] {
        text(object, tag, vr, value);
    }
    let [_, rows, columns] = grid.shape;
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, rows),
        (tags::COLUMNS, columns),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 16),
        (tags::HIGH_BIT, 15),
        (tags::PIXEL_REPRESENTATION, 1),
    ] {
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value as u16)));
    }
}

/// Adds the attributes of one slice: its UID, its position, its source images.
pub(super) fn place(object: &mut InMemDicomObject, volume: &Volume, slice: usize, source: Option<&SourceSeries>) {
    let series = texts_of(object, tags::SERIES_INSTANCE_UID);
    let position = volume.grid.point([slice as f64, 0.0, 0.0]);
    text(object, tags::SOP_INSTANCE_UID, VR::UI, &uid(&["instance", &series, &slice.to_string()]));
    text(object, tags::INSTANCE_NUMBER, VR::IS, &(slice + 1).to_string());
    text(object, tags::IMAGE_POSITION_PATIENT, VR::DS, &position.map(decimal).join("\\"));
    let items = source.map(|source| references(volume, position, source)).unwrap_or_default();
    if !items.is_empty() {
        object.put(DataElement::new(
            tags::SOURCE_IMAGE_SEQUENCE,
            VR::SQ,
            DataSetSequence::new(items, Length::UNDEFINED),
        ));
    }
}

/// References to the source's slices within one slice distance of this one, or to the nearest.
fn references(volume: &Volume, position: [f64; 3], source: &SourceSeries) -> Vec<InMemDicomObject> {
    let distance = |at: [f64; 3]| dot(sub(at, position), volume.grid.axes[0]).abs();
    let known = || source.instances().iter().filter(|instance| !instance.uid.is_empty() && !instance.class.is_empty());
    let nearest = known().map(|instance| distance(instance.position)).fold(f64::INFINITY, f64::min);
    let reach = nearest.max(volume.grid.spacing[0]) + 1e-6;
    let mut items: Vec<InMemDicomObject> = Vec::new();
    let mut last = "";
    for instance in known().filter(|instance| distance(instance.position) <= reach) {
        // Frames of one file are one reference.
        if instance.uid == last {
            continue;
        }
        last = &instance.uid;
        let mut item = InMemDicomObject::new_empty();
        text(&mut item, tags::REFERENCED_SOP_CLASS_UID, VR::UI, &instance.class);
        text(&mut item, tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &instance.uid);
        items.push(item);
    }
    items
}

fn text(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
}

fn texts_of(object: &InMemDicomObject, tag: Tag) -> String {
    object.get(tag).and_then(|element| element.to_str().ok()).unwrap_or_default().into_owned()
}

/// Adapts a value of the source to its value representation (PS3.5 6.2): text is cut to the longest allowed length;
/// `None` for a malformed date, time, number or identifier.
fn valid(vr: VR, value: &str) -> Option<String> {
    let all = |allowed: fn(char) -> bool| value.chars().all(allowed);
    let (most, fine) = match vr {
        VR::SH => (16, true),
        VR::PN => (3 * 64 + 2, true),
        VR::CS => (16, all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || " _\\".contains(c))),
        VR::DA => return (value.len() == 8 && all(|c| c.is_ascii_digit())).then(|| value.to_string()),
        VR::TM => return (value.len() <= 14 && all(|c| c.is_ascii_digit() || c == '.')).then(|| value.to_string()),
        VR::AS => return (value.len() == 4 && all(|c| c.is_ascii_digit() || "DWMY".contains(c))).then(|| value.into()),
        VR::UI => return (value.len() <= 64 && all(|c| c.is_ascii_digit() || c == '.')).then(|| value.to_string()),
        VR::DS | VR::IS => {
            let numbers = value.split('\\').all(|one| one.len() <= 16 && one.trim().parse::<f64>().is_ok());
            return numbers.then(|| value.to_string());
        }
        _ => (64, true),
    };
    let one = |part: &str| part.chars().take(most).collect::<String>().trim_end().to_string();
    let cut: Vec<String> = value.split('\\').map(one).collect();
    fine.then(|| cut.join("\\"))
}

/// Free text as one value: without control characters and separators, at most `most` characters.
fn clean(value: &str, most: usize) -> String {
    value
        .chars()
        .map(|c| if c.is_control() || c == '\\' { ' ' } else { c })
        .take(most)
        .collect::<String>()
        .trim()
        .to_string()
}

/// A decimal string of at most 16 characters (DS, PS3.5 6.2), as exact as that allows.
fn decimal(value: f64) -> String {
    let value = if value == 0.0 { 0.0 } else { value };
    let plain = format!("{value}");
    if plain.len() <= 16 {
        return plain;
    }
    let fixed = (0..=14).rev().map(|digits| format!("{value:.digits$}")).find(|text| text.len() <= 16);
    match fixed {
        // Small values keep more digits with an exponent.
        Some(text) if value.abs() >= 1e-3 => text,
        _ => (0..=9)
            .rev()
            .map(|digits| format!("{value:.digits$e}"))
            .find(|text| text.len() <= 16)
            .unwrap_or_else(|| "0".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_strings_fit_and_stay_near() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.1,
            1.0 / 3.0,
            -123456.789012345,
            3.26999999999998,
            1e-7 / 3.0,
            -1.0 / 3e12,
            531.039999999997,
            1e15 / 7.0,
        ] {
            let text = decimal(value);
            assert!(text.len() <= 16, "{text}");
            let error = (text.parse::<f64>().unwrap() - value).abs();
            assert!(error <= 1e-9 * value.abs(), "{value} became {text}");
        }
        assert_eq!(decimal(-0.0), "0");
    }

    #[test]
    fn values_of_a_source_are_made_to_fit_their_types() {
        assert_eq!(valid(VR::SH, "a study number that is long").as_deref(), Some("a study number t"));
        assert_eq!(valid(VR::DA, "19500102").as_deref(), Some("19500102"));
        assert_eq!(valid(VR::DS, "9.5\\10").as_deref(), Some("9.5\\10"));
        for (vr, bad) in [(VR::DA, "1950.01.02"), (VR::AS, "45"), (VR::DS, "about 120"), (VR::UI, "1.2.x")] {
            assert_eq!(valid(vr, bad), None, "{bad}");
        }
    }

    #[test]
    fn free_text_cannot_become_two_values() {
        assert_eq!(clean("a\\b\u{1b}[31m ", 64), "a b [31m");
        assert_eq!(clean("äöü", 2), "äö");
    }
}
