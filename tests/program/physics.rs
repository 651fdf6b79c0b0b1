//! Tests of beam hardening through the program: a water cylinder under the spectrum of an X-ray tube is cupped, and the
//! water precorrection removes the cupping.
#![allow(clippy::print_stderr, reason = "the figures are told")]

use crate::common::Bench;
use recon::formats::nifti;
use std::path::Path;

const DISC: &str = "{name: disc, source: a test, extent_mm: 220, dimension: 2, unit_mm: 1, shapes: [{ellipse: \
 {semi_axes: [100, 100], density: 1}}]}";
const SLICE: &str = "
load: {phantom: {file: disc.yaml}}
grid: {shape: [128, 128]}
simulate:
  geometry: {parallel: {views: 240, arc_deg: 180, detector: {pixels: 240, pitch_mm: 1.0}}}
  spectrum: {tube: {kilovolts: 120, aluminium_mm: 3}}
reconstruct: [fbp: {filter: hann}]
export: {volumes: [nifti], report: [json]}
";

/// Returns the mean HU in the centre (r < 15 mm) and in a ring near the edge (80 to 92 mm) of the middle slice, and the
/// cupping: their difference in percent of the ring's attenuation.
fn profile(volume: &Path) -> (f64, f64, f64) {
    let volume = nifti::read(volume, nifti::Units::Hounsfield).unwrap().volume;
    let [nz, ny, nx] = volume.grid.shape;
    let (mut middle, mut ring) = (Vec::new(), Vec::new());
    for (y, x) in (0..ny).flat_map(|y| (0..nx).map(move |x| (y, x))) {
        let [px, py, _] = volume.grid.point([(nz / 2) as f64, y as f64, x as f64]);
        let (r, hu) = (px.hypot(py), f64::from(volume.voxels()[[nz / 2, y, x]]));
        if r < 15.0 {
            middle.push(hu);
        } else if (80.0..92.0).contains(&r) {
            ring.push(hu);
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (middle, ring) = (mean(&middle), mean(&ring));
    (middle, ring, 100.0 * (ring - middle) / (1000.0 + ring))
}

fn cupping(bench: &Bench, name: &str, file: &str, method: &str, more: &[&str]) -> (f64, f64, f64) {
    let mut args = vec!["run", file, "--output", name];
    args.extend(more);
    bench.recon(&args).expect(0, &[]);
    let found = profile(&bench.path(name).join(method).join("volume.nii.gz"));
    eprintln!("{name}: middle {:.1} HU, ring {:.1} HU, cupping {:.2} %", found.0, found.1, found.2);
    found
}

#[test]
fn a_water_cylinder_is_cupped_in_a_parallel_beam_and_the_precorrection_flattens_it() {
    let bench = Bench::new();
    bench.write("disc.yaml", DISC);
    bench.write("slice.yaml", SLICE);
    let cupped = cupping(&bench, "cupped", "slice.yaml", "fbp", &[]);
    let flat = cupping(&bench, "flat", "slice.yaml", "fbp", &["--set", "simulate.water_precorrection={}"]);
    let ideal = cupping(&bench, "ideal", "slice.yaml", "fbp", &["--set", "simulate.spectrum="]);
    assert!(cupped.2 > 3.0, "{cupped:?}");
    assert!(flat.2.abs() < 0.3 && flat.2.abs() < cupped.2 / 10.0, "{flat:?}");
    assert!(flat.0.abs() < 5.0 && flat.1.abs() < 5.0, "water is 0 HU at the effective energy: {flat:?}");
    assert!((flat.2 - ideal.2).abs() < 0.1, "what is left is the filter's: {flat:?} against {ideal:?}");
}

#[test]
fn the_shipped_pipeline_shows_the_same_in_a_cone_beam() {
    let bench = Bench::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/beam-hardening.yaml");
    let small = ["--set", "simulate.geometry.cone.views=90", "--set", "export.volumes=[nifti]"];
    let cupped =
        cupping(&bench, "cupped", file, "fdk", &[&small[..], &["--set", "simulate.water_precorrection="]].concat());
    let flat = cupping(&bench, "flat", file, "fdk", &small);
    assert!(cupped.2 > 3.0, "{cupped:?}");
    assert!(flat.2.abs() < 0.5 && flat.2.abs() < cupped.2 / 8.0, "{flat:?}");
}

#[test]
fn a_voxel_object_hardens_like_the_phantom_it_was_made_from() {
    let bench = Bench::new();
    bench.write("disc.yaml", DISC);
    bench.write("slice.yaml", SLICE);
    bench.recon(&["phantom", "disc.yaml", "-o", "disc.nii.gz", "--shape", "440,440"]).expect(0, &[]);
    let voxels = cupping(&bench, "voxels", "slice.yaml", "fbp", &["--set", "load.nifti.path=disc.nii.gz"]);
    let phantom = cupping(&bench, "phantom", "slice.yaml", "fbp", &[]);
    assert!(
        (voxels.2 - phantom.2).abs() < 0.3 && (voxels.0 - phantom.0).abs() < 10.0,
        "{voxels:?} against {phantom:?}"
    );
}

#[test]
fn a_table_of_one_energy_is_no_spectrum_at_all() {
    let bench = Bench::new();
    bench.write("disc.yaml", DISC);
    bench.write("slice.yaml", SLICE);
    bench.write("line.csv", "keV,photons\n70,1\n");
    let one = cupping(&bench, "one", "slice.yaml", "fbp", &["--set", "simulate.spectrum.file.path=line.csv"]);
    let none = cupping(&bench, "none", "slice.yaml", "fbp", &["--set", "simulate.spectrum="]);
    assert!((one.0 - none.0).abs() < 0.5 && (one.1 - none.1).abs() < 0.5, "{one:?} against {none:?}");
}

#[test]
fn impossible_physics_ends_with_the_key_before_any_work() {
    let bench = Bench::new();
    bench.write("disc.yaml", DISC);
    bench.write("slice.yaml", SLICE);
    bench.write("bad.csv", "keV,photons\n70,one\n");
    for (set, code, said) in [
        ("simulate.spectrum.tube.kilovolts=500", 2, "simulate.spectrum.tube.kilovolts: expected"),
        ("simulate.spectrum.file.path=bad.csv", 3, "bad.csv: line 2"),
        ("simulate.spectrum.file.path=nowhere.csv", 3, "nowhere.csv: no such file"),
        ("simulate.spectrum.metal_above_hu=-2000", 2, "simulate.spectrum.metal_above_hu: expected"),
        ("simulate.water_precorrection.degree=40", 2, "simulate.water_precorrection.degree: expected"),
        ("simulate.blur.sd_mm=-1", 2, "simulate.blur.sd_mm: expected"),
        ("simulate.bad_pixels.rows=1", 2, "simulate.bad_pixels.rows: expected"),
        ("simulate.scatter.ratio=-0.1", 2, "simulate.scatter.ratio: expected"),
        ("simulate.flux_drift.sd=9", 2, "simulate.flux_drift.sd: expected"),
    ] {
        bench.recon(&["check", "slice.yaml", "--set", set]).expect(code, &[said]);
    }
    let without = bench.recon(&[
        "check",
        "slice.yaml",
        "--set",
        "simulate.spectrum=",
        "--set",
        "simulate.water_precorrection={}",
    ]);
    without.expect(2, &["simulate.water_precorrection"]);
}
