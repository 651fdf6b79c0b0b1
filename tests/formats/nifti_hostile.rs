//! Tests of NIfTI files that declare wrong sizes, end early or are damaged: each is an input error, and none makes the
//! reader allocate the memory that it declares.

use crate::support::{folder, input_error, oblique, small};
use flate2::Compression;
use flate2::write::GzEncoder;
use recon::formats::{Units, nifti};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns the error for a file of these bytes.
fn refused(name: &str, bytes: &[u8]) -> String {
    let folder = folder();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let message = input_error(nifti::read(&path, Units::Relative));
    assert!(message.contains(name), "the message names the file: {message}");
    message
}

fn changed(place: usize, part: &[u8]) -> Vec<u8> {
    let mut bytes = small(&[1.0, 2.0, 3.0]);
    bytes[place..place + part.len()].copy_from_slice(part);
    bytes
}

#[test]
fn the_undamaged_file_is_read() {
    let folder = folder();
    let whole = small(&[1.0, 2.0, 3.0]);
    for (name, bytes) in [("a.nii", whole.clone()), ("a.nii.gz", gzip(&whole))] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let loaded = nifti::read(&folder.path().join(name), Units::Relative).unwrap();
        assert_eq!(loaded.volume.as_slice(), [1.0, 2.0, 3.0], "{name}");
    }
}

#[test]
fn dimensions_beyond_the_file_are_refused_by_its_size() {
    let huge = [3i16, 4000, 4000, 100, 1, 1, 1, 1].map(i16::to_le_bytes).concat();
    for (name, bytes) in [("a.nii", changed(40, &huge)), ("a.nii.gz", gzip(&changed(40, &huge)))] {
        let message = refused(name, &bytes);
        assert!(message.contains("[100, 4000, 4000]") && message.contains("6400000352 bytes"), "{message}");
    }
    let absurd = [7u16, 65535, 65535, 65535, 65535, 65535, 65535, 65535].map(u16::to_le_bytes).concat();
    assert!(refused("a.nii", &changed(40, &absurd)).contains("expected dimensions between 1 and 32767, got [-1, -1"));
    let too_many = [3i16, 32000, 32000, 32000, 1, 1, 1, 1].map(i16::to_le_bytes).concat();
    assert!(refused("a.nii", &changed(40, &too_many)).contains("at most 2147483648 voxels"));
}

#[test]
fn a_bomb_that_declares_what_it_cannot_hold_is_not_unpacked() {
    // 64 MiB of zeros follow a header of 3 voxels, far more than follows the voxels of a valid file.
    let mut bytes = small(&[1.0, 2.0, 3.0]);
    bytes.resize(bytes.len() + (64 << 20), 0);
    assert!(refused("a.nii.gz", &gzip(&bytes)).contains("bytes follow the voxels"));
}

#[test]
fn truncated_files_and_wrong_sums_are_refused() {
    let whole = small(&[1.0, 2.0, 3.0]);
    assert!(refused("a.nii", &whole[..whole.len() - 1]).contains("is the file complete?"));
    assert!(refused("a.nii", &whole[..100]).contains("348 bytes"));
    assert!(refused("a.nii", &[]).contains("348 bytes"));
    let packed = gzip(&whole);
    assert!(refused("a.nii.gz", &packed[..packed.len() / 2]).contains("the compressed data ends too early"));
    assert!(refused("a.nii.gz", &packed[..packed.len() - 3]).contains("complete"));
    let mut wrong_sum = packed.clone();
    let place = wrong_sum.len() - 8;
    wrong_sum[place] ^= 1;
    assert!(refused("a.nii.gz", &wrong_sum).contains("damaged compressed data"));
    let mut garbage = packed.clone();
    garbage.extend(b"garbage");
    assert!(refused("a.nii.gz", &garbage).contains("compressed data"));
}

#[test]
fn two_gzip_members_are_one_file() {
    let folder = folder();
    let path = folder.path().join("a.nii.gz");
    let whole = small(&[1.0, 2.0, 3.0]);
    std::fs::write(&path, [gzip(&whole[..355]), gzip(&whole[355..])].concat()).unwrap();
    assert_eq!(nifti::read(&path, Units::Relative).unwrap().volume.as_slice(), [1.0, 2.0, 3.0]);
}

#[test]
fn contradicting_headers_are_refused_with_expected_and_got() {
    let float = |value: f32| value.to_le_bytes();
    let cases: [(usize, Vec<u8>, &str); 15] = [
        (0, vec![0, 0, 0, 0], "header size of 348"),
        (72, vec![16, 0], "float32 has 32 bits, bitpix says 16"),
        (70, vec![99, 0], "unknown datatype code 99"),
        (40, vec![0, 0], "2 or 3 dimensions, got 0"),
        (40, vec![1, 0], "2 or 3 dimensions, got 1"),
        (40, vec![8, 0], "dimensions are damaged"),
        (42, vec![0, 0], "between 1 and 32767"),
        (42, vec![0xff, 0xff], "between 1 and 32767"),
        (108, float(f32::NAN).to_vec(), "voxels to begin"),
        (108, float(-5.0).to_vec(), "voxels to begin"),
        (108, float(3e9).to_vec(), "voxels to begin"),
        (108, float(340.0).to_vec(), "voxels to begin"),
        (280, float(f32::INFINITY).to_vec(), "sform is not a transform"),
        (280, float(0.0).to_vec(), "sform is not a transform"),
        (344, b"abcd".to_vec(), "n+1 or ni1"),
    ];
    for (place, part, reason) in cases {
        let message = refused("a.nii", &changed(place, &part));
        assert!(message.contains(reason), "{place}: {message}");
    }
    assert!(refused("a.nii", &changed(344, b"ni1\0")).contains("pair"));
    assert!(refused("a.hdr", &small(&[1.0])).contains("single-file header"));
}

#[test]
fn senseless_qforms_and_voxel_sizes_are_refused_or_repaired_with_a_warning() {
    let qform = |b: f32, size: f32| {
        let mut bytes = changed(252, &[1, 0, 0, 0]);
        bytes[256..260].copy_from_slice(&b.to_le_bytes());
        bytes[80..84].copy_from_slice(&size.to_le_bytes());
        bytes
    };
    assert!(refused("a.nii", &qform(1.5, 1.0)).contains("not a rotation"));
    assert!(refused("a.nii", &qform(f32::NAN, 1.0)).contains("not a rotation"));
    assert!(refused("a.nii", &qform(0.0, 0.0)).contains("positive voxel sizes"));
    assert!(refused("a.nii", &qform(0.0, f32::NAN)).contains("positive voxel sizes"));
    let folder = folder();
    let path = folder.path().join("a.nii");
    std::fs::write(&path, qform(0.0, -2.0)).unwrap();
    let loaded = nifti::read(&path, Units::Relative).unwrap();
    assert_eq!(loaded.volume.grid.spacing[2], 2.0);
    assert!(loaded.warnings.iter().any(|warning| warning.code == "nifti_negative_pixdim"));
}

#[test]
fn voxels_that_are_not_finite_are_counted() {
    let message = refused("a.nii", &small(&[f32::NAN, 1.0, f32::INFINITY, f32::NAN]));
    assert!(message.contains("got 2 NaN and 1 infinite of 4") && message.contains("nan_to_num"), "{message}");
}

#[test]
fn disagreeing_transforms_are_told_and_the_sform_taken() {
    let mut bytes = changed(252, &[1, 0]);
    bytes[268..272].copy_from_slice(&50f32.to_le_bytes());
    let folder = folder();
    let path = folder.path().join("a.nii");
    std::fs::write(&path, bytes).unwrap();
    let loaded = nifti::read(&path, Units::Relative).unwrap();
    assert!(
        loaded
            .warnings
            .iter()
            .any(|w| w.code == "nifti_forms_disagree" && w.message.contains("mm apart; the sform is used"))
    );
}

#[test]
fn missing_files_and_folders_are_input_errors_and_unwritable_places_resource_errors() {
    let folder = folder();
    assert!(input_error(nifti::read(&folder.path().join("none.nii"), Units::Relative)).contains("no such file"));
    assert!(input_error(nifti::read(folder.path(), Units::Relative)).contains("folder"));
    let error = nifti::write(&folder.path().join("no/a.nii"), &oblique(), "").unwrap_err();
    assert_eq!(error.exit_code(), 5);
}
