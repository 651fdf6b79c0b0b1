//! One axial slice of a volume as a 2-D object, from the file to the report.

use crate::common::Bench;
use recon::formats::nifti::{self, Units};

const PIPELINE: &str = "
load:
  nifti: {path: ct.nii.gz}
  slice: {z: 13}
grid: {shape: [20, 20]}
simulate:
  geometry: {parallel: {views: 60, detector: {pixels: auto, pitch_mm: 5.0}}}
reconstruct:
- fbp: {filter: hann}
- tv: {iterations: 50, weight: 1.0e-5}
- neural_field: {field: {siren: {width: 16, depth: 2}}, start: null, steps: 3}
evaluate: {metrics: [psnr_db, ssim]}
export: {directory: out, report: [json, html]}
";

fn sliced() -> Bench {
    let bench = Bench::new();
    let phantom = concat!(env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan.yaml");
    bench.recon(&["phantom", phantom, "-o", "ct.nii.gz", "--shape", "30,40,40"]).expect(0, &[]);
    bench.write("slice.yaml", PIPELINE);
    bench
}

#[test]
fn a_slice_is_scanned_as_it_is_and_its_truth_is_averaged_onto_the_grid() {
    let bench = sliced();
    let outcome = bench.recon(&["run", "slice.yaml"]).expect(0, &[]);
    assert!(!outcome.stderr.contains("warning"), "neither truncated nor an inverse crime: {}", outcome.stderr);
    let read = |path: &str| nifti::read(&bench.path(path), Units::Hounsfield).unwrap().volume;
    let (volume, truth) = (read("ct.nii.gz"), read("out/truth.nii.gz"));
    assert_eq!(truth.grid.shape, [1, 20, 20]);
    for y in 0..20 {
        for x in 0..20 {
            let fine = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[j, i]| volume.voxels()[[13, 2 * y + j, 2 * x + i]]);
            let mean = fine.iter().sum::<f32>() / 4.0;
            assert!((truth.voxels()[[0, y, x]] - mean).abs() < 0.51, "HU at {y}, {x}: files hold whole HU");
        }
    }
    let center = |grid: &recon::data::Grid| grid.point([0.0, 0.0, 0.0])[2];
    assert!((center(&truth.grid) - volume.grid.point([13.0, 0.0, 0.0])[2]).abs() < 1e-3, "the slice is where it was");
    let report = bench.json("out/report.json");
    let psnr = |i: usize| report["methods"][i]["metrics"]["psnr_db"].as_f64().unwrap();
    assert!(psnr(0) > 20.0 && psnr(1) > 25.0 && psnr(2) > 5.0, "{} {} {}", psnr(0), psnr(1), psnr(2));
}

#[test]
fn a_slice_that_is_not_there_is_refused_with_its_key() {
    let bench = sliced();
    bench
        .recon(&["run", "slice.yaml", "--set", "load.slice.z=30"])
        .expect(2, &["load.slice.z: expected a slice below 30, got 30"]);
    bench
        .recon(&["run", "slice.yaml", "--set", "load.slice.part=0.5"])
        .expect(2, &["load.slice: expected exactly one of"]);
    bench.recon(&["run", "slice.yaml", "--set", "load.slice={}"]).expect(2, &["load.slice: expected exactly one of"]);
    bench.recon(&["run", "slice.yaml", "--set", "load.slcie.z=3"]).expect(2, &["did you mean `slice`?"]);
    let phantom = concat!("load.phantom.file=", env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan-2d.yaml");
    bench.recon(&["run", "slice.yaml", "--set", phantom]).expect(2, &["load: crop, slice, resample"]);
}
