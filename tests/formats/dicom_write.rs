//! Tests of exported DICOM series: what is written, what is kept of the source series, and what must not be kept.

use crate::support::{apart, difference, edit, folder, labels, oblique, put, series, volume};
use dicom_core::VR;
use dicom_core::header::HasLength;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, Tag, open_file};
use recon::data::{Grid, Quantity, Volume};
use recon::formats::dicom::{Identity, Labels, SourceSeries, read_series, write_series};
use std::path::Path;

const CANARY: &str = "ZZCANARY";

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
}

fn text(object: &DefaultDicomObject, tag: Tag) -> String {
    object.get(tag).map_or_else(String::new, |element| element.to_str().unwrap().trim_end().to_string())
}

/// Writes and reads a source series of three slices that identifies a patient, with text in ISO 8859-1.
fn source(folder: &Path) -> SourceSeries {
    for (k, file) in series(folder, 3).iter().enumerate() {
        edit(file, |object| {
            put(object, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100");
            put(object, tags::PATIENT_NAME, VR::PN, &format!("{CANARY}^Jürgen"));
            put(object, tags::PATIENT_ID, VR::LO, &format!("{CANARY}-1"));
            put(object, tags::PATIENT_BIRTH_DATE, VR::DA, "19500102");
            put(object, tags::INSTITUTION_NAME, VR::LO, &format!("{CANARY} hospital"));
            put(object, tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.4");
            put(object, tags::STUDY_DATE, VR::DA, "20200304");
            put(object, tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.3.5");
            put(object, tags::SERIES_NUMBER, VR::IS, "3");
            put(object, tags::KVP, VR::DS, "120");
            put(object, tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "01");
            put(object, tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS, "9.5");
            put(object, tags::SOP_INSTANCE_UID, VR::UI, &format!("1.2.3.6.{k}"));
        });
    }
    SourceSeries::read(folder, None, Identity::Keep).unwrap()
}

#[test]
fn writing_and_reading_keeps_rounded_voxels_and_place() {
    let folder = folder();
    let volume = oblique().map(|v| v + 0.3);
    let written = write_series(folder.path(), &volume, &labels(), None).unwrap();
    assert_eq!((written.files.len(), written.saturated), (4, 0));
    let back = read_series(folder.path(), None).unwrap();
    assert!(apart(&back.volume.grid, &volume.grid) < 1e-9 && back.volume.quantity == Quantity::Hounsfield);
    assert!((difference(&back.volume, &volume) - 0.3).abs() < 1e-3 && back.warnings.is_empty());
}

#[test]
fn values_beyond_int16_saturate_and_are_counted() {
    let folder = folder();
    let grid = Grid::centered([1, 1, 3], [1.0; 3], [0.0; 3]).unwrap();
    let volume = Volume::from_vec(grid, Quantity::Hounsfield, vec![-1e6, 40000.0, 12.0]).unwrap();
    assert_eq!(write_series(folder.path(), &volume, &labels(), None).unwrap().saturated, 2);
    assert_eq!(read_series(folder.path(), None).unwrap().volume.as_slice(), [-32768.0, 32767.0, 12.0]);
}

#[test]
fn only_hounsfield_volumes_are_written_and_only_to_writable_places() {
    let folder = folder();
    let mu = oblique().to_attenuation(0.02);
    assert_eq!(write_series(folder.path(), &mu, &labels(), None).unwrap_err().exit_code(), 2);
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert_eq!(write_series(&file.join("dicom"), &oblique(), &labels(), None).unwrap_err().exit_code(), 5);
}

#[test]
fn the_same_export_gives_the_same_bytes_and_another_other_uids() {
    let folder = folder();
    let write =
        |name: &str, volume: &Volume| write_series(&folder.path().join(name), volume, &labels(), None).unwrap().files;
    let (a, b) = (write("a", &oblique()), write("b", &oblique()));
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
    }
    let c = write("c", &oblique().map(|v| v + 1.0));
    let uids = |file: &Path| {
        [tags::STUDY_INSTANCE_UID, tags::FRAME_OF_REFERENCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID]
            .map(|tag| text(&open_file(file).unwrap(), tag))
    };
    let (first, second, other) = (uids(&a[0]), uids(&a[1]), uids(&c[0]));
    assert_eq!((&first[..3], &first[..2]), (&second[..3], &other[..2]));
    assert!(first[3] != second[3] && first[2] != other[2] && first[3] != other[3]);
}

#[test]
fn a_phantom_has_a_study_of_its_own_and_every_attribute_the_standard_wants() {
    let folder = folder();
    let file = write_series(folder.path(), &oblique(), &labels(), None).unwrap().files.remove(1);
    assert_eq!(std::fs::read(&file).unwrap()[..132], [&[0; 128][..], b"DICM"].concat());
    let object = open_file(&file).unwrap();
    for (tag, value) in [
        (tags::PATIENT_NAME, "PHANTOM"),
        (tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\AXIAL"),
        (tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
        (tags::MODALITY, "CT"),
        (tags::RESCALE_TYPE, "HU"),
        (tags::SERIES_NUMBER, "900"),
        (tags::INSTANCE_NUMBER, "2"),
        (tags::PIXEL_SPACING, "1.25\\0.75"),
        (tags::SPACING_BETWEEN_SLICES, "2.5"),
        (tags::DERIVATION_DESCRIPTION, "FDK from 40 views"),
    ] {
        assert_eq!(text(&object, tag), value, "{tag}");
    }
    // Attributes of type 2 must be present and may be empty.
    for tag in [
        tags::STUDY_DATE,
        tags::STUDY_TIME,
        tags::ACCESSION_NUMBER,
        tags::REFERRING_PHYSICIAN_NAME,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::STUDY_ID,
        tags::KVP,
        tags::ACQUISITION_NUMBER,
        tags::POSITION_REFERENCE_INDICATOR,
    ] {
        assert!(object.element(tag).unwrap().is_empty(), "{tag}");
    }
    assert!(object.get(tags::SOURCE_IMAGE_SEQUENCE).is_none());
}

#[test]
fn a_derived_series_joins_its_study_and_links_its_sources() {
    let folder = folder();
    let source = source(&folder.path().join("in"));
    let grid = Grid::centered([2, 4, 5], [3.0, 1.5, 1.5], [10.0, 20.0, 30.0]).unwrap();
    let files = write_series(&folder.path().join("out"), &volume(grid), &labels(), Some(&source)).unwrap().files;
    let object = open_file(&files[0]).unwrap();
    for (tag, value) in [
        (tags::STUDY_INSTANCE_UID, "1.2.3.4"),
        (tags::FRAME_OF_REFERENCE_UID, "1.2.3.5"),
        (tags::PATIENT_NAME, "ZZCANARY^Jürgen"),
        (tags::PATIENT_BIRTH_DATE, "19500102"),
        (tags::STUDY_DATE, "20200304"),
        (tags::KVP, "120"),
        (tags::SERIES_NUMBER, "903"),
        (tags::LOSSY_IMAGE_COMPRESSION, "01"),
        (tags::LOSSY_IMAGE_COMPRESSION_RATIO, "9.5"),
        (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
    ] {
        assert_eq!(text(&object, tag), value, "{tag}");
    }
    assert!(object.get(tags::INSTITUTION_NAME).is_none(), "not on the list of what is kept");
    // The source slices are at 28, 30 and 32 mm. This slice is at 28.5 mm and 3 mm thick: all but the last of them are
    // within 3 mm of it.
    let items = object.element(tags::SOURCE_IMAGE_SEQUENCE).unwrap().items().unwrap();
    let linked: Vec<_> = items
        .iter()
        .map(|item| item.element(tags::REFERENCED_SOP_INSTANCE_UID).unwrap().to_str().unwrap().into_owned())
        .collect();
    assert_eq!(linked, ["1.2.3.6.0", "1.2.3.6.1"]);
}

#[test]
fn without_identity_nothing_of_it_leaves_the_reader() {
    let folder = folder();
    source(&folder.path().join("in"));
    let secrets = [CANARY, "1.2.3.4", "1.2.3.5", "1.2.3.6", "19500102", "20200304"];
    let whole = std::fs::read(folder.path().join("in/slice-0001.dcm")).unwrap();
    assert!(secrets.iter().all(|secret| holds(&whole, secret)), "the source holds every secret");
    let source = SourceSeries::read(&folder.path().join("in"), None, Identity::Drop).unwrap();
    let labels = Labels { identity: Identity::Drop, ..labels() };
    let files = write_series(&folder.path().join("out"), &oblique(), &labels, Some(&source)).unwrap().files;
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        for secret in secrets {
            assert!(!holds(&bytes, secret), "{secret} in {}", file.display());
        }
    }
    let object = open_file(&files[0]).unwrap();
    // The mark of lossy compression is kept; no text of the source is.
    assert_eq!((text(&object, tags::KVP), text(&object, tags::LOSSY_IMAGE_COMPRESSION)), (String::new(), "01".into()));
    assert_eq!(text(&object, tags::PATIENT_NAME), "ANONYMOUS");
}

#[test]
fn a_source_does_not_show_itself() {
    let folder = folder();
    let source = source(&folder.path().join("in"));
    let loaded = read_series(&folder.path().join("in"), None).unwrap();
    assert!(!format!("{source:?} {loaded:?}").contains(CANARY));
    let files = write_series(&folder.path().join("out"), &oblique(), &labels(), Some(&source)).unwrap().files;
    assert!(holds(&std::fs::read(&files[0]).unwrap(), CANARY), "the source knows the patient");
}

#[test]
fn no_error_shows_the_patient() {
    let folder = folder();
    source(folder.path());
    let files: Vec<_> = (1..=3).map(|k| folder.path().join(format!("slice-{k:04}.dcm"))).collect();
    let check = |what: &str| {
        let shown = read_series(folder.path(), None)
            .map_or_else(|error| format!("{error} {error:?}"), |loaded| format!("{loaded:?}"));
        let info = recon::formats::describe(folder.path())
            .map_or_else(|error| format!("{error:?}"), |found| format!("{found:?}"));
        assert!(!shown.contains(CANARY) && !info.contains(CANARY), "{what}: {shown} {info}");
    };
    check("whole");
    let original = std::fs::read(&files[0]).unwrap();
    assert!(holds(&original, CANARY), "the file holds the patient");
    for cut in (200..original.len()).step_by(13) {
        std::fs::write(&files[0], &original[..cut]).unwrap();
        check("truncated");
    }
    std::fs::write(&files[0], &original).unwrap();
    for (tag, vr) in [
        (tags::IMAGE_POSITION_PATIENT, VR::DS),
        (tags::ROWS, VR::US),
        (tags::MODALITY, VR::CS),
        (tags::RESCALE_SLOPE, VR::DS),
    ] {
        edit(&files[0], |object| assert!(object.remove_element(tag)));
        check("without an attribute");
        edit(&files[0], |object| put(object, tag, vr, "x"));
        check("with a senseless attribute");
        std::fs::write(&files[0], &original).unwrap();
    }
}

#[test]
fn a_shorter_export_removes_the_slices_of_a_longer_one_and_nothing_else() {
    let folder = folder();
    series(folder.path(), 5);
    std::fs::write(folder.path().join("slice-notes.dcm"), "mine").unwrap();
    series(folder.path(), 3);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["slice-0001.dcm", "slice-0002.dcm", "slice-0003.dcm", "slice-notes.dcm"]);
}
