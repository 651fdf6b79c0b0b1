//! Tests of the descriptions that `recon info` prints.

use crate::common::data_or_skip;
use crate::support::{folder, input_error, oblique, series, small};
use recon::formats::{Description, FORMATS, describe, nifti};

fn value(description: &Description, label: &str) -> String {
    let row = description.rows.iter().find(|(found, _)| found == label);
    row.unwrap_or_else(|| panic!("no {label} in {description:?}")).1.clone()
}

#[test]
fn a_volume_says_what_it_holds_and_where() {
    let folder = folder();
    let path = folder.path().join("a.nii.gz");
    nifti::write(&path, &oblique(), "fdk").unwrap();
    let found = describe(&path).unwrap();
    assert_eq!(found.kind, "NIfTI-1 volume");
    assert_eq!(value(&found, "shape [z, y, x]"), "4 x 5 x 6");
    assert_eq!(value(&found, "spacing [z, y, x]"), "2.5 x 1.25 x 0.75 mm");
    assert_eq!(value(&found, "axes [z, y, x]"), "SPL, oblique");
    assert_eq!(value(&found, "stored as"), "float32, little-endian, gzip");
    assert_eq!(found.texts, [("description".to_string(), "fdk [HU]".to_string())]);
    assert_eq!(value(&found, "values"), "-1000 to 2996");
    assert!(found.warnings.is_empty());
}

#[test]
fn a_folder_lists_its_series() {
    let folder = folder();
    series(&folder.path().join("a"), 3);
    std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
    let found = describe(folder.path()).unwrap();
    assert_eq!(
        (found.kind.as_str(), value(&found, "series").as_str(), value(&found, "other files").as_str()),
        ("DICOM folder", "1", "1")
    );
    assert!(found.rows.iter().any(|(_, text)| text == "CT, 4 x 5, 3 slice(s) in 3 file(s)"));
    assert_eq!(value(&found, "shape [z, y, x]"), "3 x 4 x 5");
    let one = describe(&folder.path().join("a/slice-0002.dcm")).unwrap();
    assert_eq!((one.kind.as_str(), value(&one, "shape [z, y, x]").as_str()), ("DICOM image", "1 x 4 x 5"));
}

#[test]
fn series_that_are_no_volume_are_described_with_the_reason() {
    let root = data_or_skip!("dicom");
    let many = describe(&root.join("series_oddities")).unwrap();
    assert_eq!(value(&many, "series"), "6");
    let tilted = describe(&root.join("philips_ingenuity_headphantom_tilt-18.5")).unwrap();
    assert_eq!(value(&tilted, "gantry tilt"), "-18.5 degrees");
    assert!(tilted.warnings.iter().any(|w| w.code == "sheared" && w.message.contains("18.50 degrees")));
}

#[test]
fn what_is_not_understood_is_an_error_that_says_what_is() {
    let folder = folder();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "hello").unwrap();
    for path in [path.as_path(), folder.path()] {
        let message = input_error(describe(path));
        assert!(FORMATS.iter().all(|format| message.contains(format.name)), "{message}");
    }
    assert!(input_error(describe(&folder.path().join("none"))).contains("no such file"));
}

#[test]
fn a_broken_file_is_not_taken_for_an_unknown_one() {
    let folder = folder();
    for (name, bytes, reason) in [
        ("a.nii", b"hello".to_vec(), "not a NIfTI file"),
        ("renamed", small(&[1.0])[..355].to_vec(), "is the file complete?"),
        ("a.dcm", b"hello".to_vec(), "not a DICOM file"),
        ("a.npy", b"hello".to_vec(), "damaged .npy"),
        ("geometry.json", b"hello".to_vec(), "not a scan geometry"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let message = input_error(describe(&path));
        assert!(message.contains(reason), "{message}");
    }
}
