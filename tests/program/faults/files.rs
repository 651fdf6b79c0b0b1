//! Rows 1, 2, 6 and 7 of the fault matrix: files that are damaged, declare a wrong size, or never end.

use super::{ends, pipeline, volume};
use crate::common::{Bench, data_or_skip};
use std::process::Command;

#[test]
fn row_01_a_header_that_declares_more_than_there_is() {
    let bench = Bench::new();
    let mut bytes = volume(&bench, "a.nii");
    for (k, n) in [400i16, 400, 1000].iter().enumerate() {
        bytes[42 + 2 * k..44 + 2 * k].copy_from_slice(&n.to_le_bytes());
    }
    std::fs::write(bench.path("a.nii"), &bytes).unwrap();
    ends(&bench, &["info", "a.nii"]).expect(3, &["a.nii", "declares [1000, 400, 400] voxels", "the file has"]);
}

#[test]
fn row_02_a_compressed_file_larger_than_the_limit_is_refused_before_it_is_unpacked() {
    let bench = Bench::new();
    let mut header = volume(&bench, "a.nii")[..352].to_vec();
    for (k, n) in [300i16, 300, 300].iter().enumerate() {
        header[42 + 2 * k..44 + 2 * k].copy_from_slice(&n.to_le_bytes());
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &header).unwrap();
    std::io::Write::write_all(&mut packed, &vec![0; 4 * 300 * 300 * 300]).unwrap();
    std::fs::write(bench.path("bomb.nii.gz"), packed.finish().unwrap()).unwrap();
    let text = pipeline("{nifti: {path: bomb.nii.gz}}", "[fbp]", "report: [json], dicom: {identity: keep}");
    bench.write("p.yaml", &(text + "limits: {volume_gb: 0.1}\n"));
    let said = "its 27000000 voxels need 0.22 GB of memory, the limit is 0.10 GB";
    ends(&bench, &["run", "p.yaml"]).expect(3, &["bomb.nii.gz", said, "limits: {volume_gb"]);
    ends(&bench, &["run", "p.yaml", "--set", "limits.volume_gb=0"]).expect(2, &["limits.volume_gb"]);
}

#[test]
fn row_06_a_pipe_or_a_device_in_the_place_of_a_file_is_refused() {
    let bench = Bench::new();
    for name in ["pipe.nii", "pipe.npy", "pipe.dcm"] {
        assert!(Command::new("mkfifo").arg(bench.path(name)).status().unwrap().success());
        ends(&bench, &["info", name]).expect(3, &[name, "it is a pipe"]);
    }
    bench.write("p.yaml", &pipeline("{nifti: {path: pipe.nii}}", "[fbp]", "dicom: {identity: keep}"));
    for command in ["run", "check"] {
        ends(&bench, &[command, "p.yaml"]).expect(3, &["pipe.nii", "it is a pipe"]);
    }
}

#[test]
fn row_07_a_codestream_that_lacks_tiles_is_damaged() {
    let file = data_or_skip!("../cases/faults/j2k_tiles_missing.dcm");
    let bench = Bench::new();
    let text = format!("{{dicom: {{path: '{}'}}}}", file.display());
    bench.write("p.yaml", &pipeline(&text, "[fbp]", "dicom: {identity: keep}"));
    ends(&bench, &["run", "p.yaml"]).expect(3, &["j2k_tiles_missing.dcm", "compressed pixels"]);
}

#[test]
fn row_07_pixels_that_are_more_than_the_image_declares_are_damaged() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    let text = pipeline(&format!("{{phantom: {{file: {phantom}}}}}"), "[fbp]", "volumes: [nifti, dicom]");
    bench.write("make.yaml", &text);
    bench.recon(&["run", "make.yaml", "-q"]).expect(0, &[]);
    for entry in std::fs::read_dir(bench.path("out/fbp/dicom")).unwrap() {
        let path = entry.unwrap().path();
        let mut object = dicom_object::open_file(&path).unwrap();
        let rows = dicom_core::PrimitiveValue::from(5u16);
        object.put(dicom_core::DataElement::new(dicom_dictionary_std::tags::ROWS, dicom_core::VR::US, rows));
        object.write_to_file(&path).unwrap();
    }
    let load = "{dicom: {path: out/fbp/dicom}}";
    bench
        .write("p.yaml", &pipeline(load, "[fbp]", "dicom: {identity: keep}").replace("directory: out", "directory: b"));
    ends(&bench, &["run", "p.yaml"]).expect(3, &["1 frames of 5 x 6 are 60 bytes of pixels, got 72"]);
}
