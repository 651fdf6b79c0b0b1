//! Tests the report in a browser: `viewer.py` drives Chromium over a page that the program has just written.

use super::common::python_or_skip;
use assert_cmd::Command;
use std::path::Path;

/// A scan of 20 x 24 x 28 voxels, whose lengths tell the axes apart, and an ensemble of fields, which gives an
/// uncertainty.
const PIPELINE: &str = "
name: browser
load: {phantom: {file: PHANTOMS/shepp-logan.yaml}}
grid: {shape: [20, 24, 28]}
simulate:
  geometry:
    cone: {views: 12, source_to_axis_mm: 500, source_to_detector_mm: 700, detector: {pixels: [32, 40], pitch_mm: 9}}
  noise: {photons: 1.0e5}
reconstruct:
- fdk: {filter: hann}
- sirt: {iterations: 5}
- name: siren
  neural_field: {field: {siren: {width: 16, depth: 2}}, start: null, ramp_steps: 0, steps: 5, ensemble: 2}
";

#[test]
fn the_viewer_does_what_its_controls_say() {
    let python = python_or_skip!("BROWSER", "playwright.sync_api");
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pipeline = PIPELINE.replace("PHANTOMS", &root.join("phantoms").to_string_lossy());
    std::fs::write(folder.path().join("browser.yaml"), pipeline).unwrap();
    Command::cargo_bin("recon")
        .unwrap()
        .current_dir(folder.path())
        .args(["run", "browser.yaml", "--output", "out", "--device", "cpu"])
        .assert()
        .success();
    Command::new(python).arg(root.join("tests/program/viewer.py")).arg(folder.path().join("out")).assert().success();
}
