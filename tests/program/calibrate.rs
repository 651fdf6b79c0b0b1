//! Tests of the calibration from the data alone: what it finds for scans whose geometry differs from the pipeline's,
//! that its poses can be used again, and what it refuses.

use crate::common::Bench;
use ndarray::Array3;
use ndarray_npy::WriteNpyExt;
use recon::data::{Geometry, Source, dot, norm, normalized, sub};
use recon::formats::geometry;
use std::fs::File;

/// Simulates a scan of a phantom into `s/`. `scan` is the geometry, `grid` the shape of the grid.
fn simulated(bench: &Bench, phantom: &str, scan: &str, grid: &str) {
    let file = format!("{}/phantoms/{phantom}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = format!(
        "load: {{phantom: {{file: {file}}}}}\ngrid: {{shape: {grid}}}\nsimulate: {{geometry: {{{scan}}}}}\n\
         reconstruct: [fdk]\n"
    );
    let file = bench.write("s.yaml", &text);
    bench.recon(&["run", file.to_str().unwrap(), "--output", "s", "--until", "simulate"]).expect(0, &[]);
}

/// Acquires with these keys into the folder `out`; returns what was written to stderr.
fn acquired(bench: &Bench, keys: &str, out: &str) -> String {
    let text =
        format!("acquire: {{{keys}, values: line_integrals, zinger_sigma: 0, preflight: off}}\nreconstruct: [fdk]\n");
    bench.write("a.yaml", &text);
    bench.recon(&["run", "a.yaml", "--output", out, "--until", "acquire", "--force"]).expect(0, &[]).stderr
}

/// Returns the value and the standard error of a parameter in the record of the calibration.
fn found(bench: &Bench, name: &str) -> (f64, f64) {
    let record = bench.json("out/calibration.json");
    let list = record["parameters"].as_array().unwrap();
    let one = list.iter().find(|found| found["name"] == name).unwrap_or_else(|| panic!("no {name} in {record}"));
    (one["value"].as_f64().unwrap(), one["standard_error"].as_f64().unwrap())
}

/// Returns the largest difference (mm) between the sources, detector centres and pixel vectors of two scans.
fn apart(a: &Geometry, b: &Geometry) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let far = |x: [f64; 3], y: [f64; 3]| norm(sub(x, y));
    let sources = |a: Source, b: Source| match (a, b) {
        (Source::Point(a), Source::Point(b)) | (Source::Direction(a), Source::Direction(b)) => far(a, b),
        _ => f64::INFINITY,
    };
    let parts = a
        .views
        .iter()
        .zip(&b.views)
        .flat_map(|(a, b)| [sources(a.source, b.source), far(a.center, b.center), far(a.u, b.u), far(a.v, b.v)]);
    parts.fold(0.0, f64::max)
}

/// The true distances are 1 % shorter than the pipeline's, and the axis projects 1.7 columns beside the detector's
/// centre.
#[test]
fn a_fan_tells_its_axis_and_the_distance_of_its_source_and_its_poses_can_be_used_again() {
    let bench = Bench::new();
    let scan = |more: f64, offset: f64| {
        let (axis, detector) = (300.0 * more, 450.0 * more);
        format!(
            "fan: {{views: 72, source_to_axis_mm: {axis}, source_to_detector_mm: {detector}, detector: {{pixels: 97, \
             pitch_mm: 4, offset_mm: [0, {offset}]}}}}"
        )
    };
    simulated(&bench, "shepp-logan-2d", &scan(1.0, -6.8), "[64, 64]");
    let data = "npy: {path: s/projections.npy}";
    let keys = format!("{data}, bin: 2, geometry: {{{}}}", scan(1.01, 0.0));
    let said = acquired(&bench, &format!("{keys}, calibrate: [center, source_distance]"), "out");
    assert!(said.contains("[calibrated]") && said.contains("source to detector 44"), "{said}");
    let (center, error) = found(&bench, "center");
    assert!((center - 1.7).abs() < 0.1 && error < 0.05, "{center} ± {error} columns");
    let (percent, error) = found(&bench, "source_distance");
    // The program finds -1.56 ± 0.16 % where -0.99 % is true: its standard error leaves out the error of voxels at
    // edges.
    assert!((percent + 1.56).abs() < 0.1 && (error - 0.16).abs() < 0.05, "{percent} ± {error} %");
    let record = bench.json("out/calibration.json");
    let part = |key: &str, i: usize| record[key][i].as_f64().unwrap();
    assert!(
        part("held_out", 1) < 0.5 * part("held_out", 0) && part("residual", 1) < 0.5 * part("residual", 0),
        "{record}"
    );
    // The poses describe the detector of all 97 columns; binned again they give the calibrated scan.
    let again = |more: &str| {
        acquired(&bench, &format!("{data}, geometry: {{poses: {{file: out/poses.json}}}}{more}"), "again");
        geometry::read(&bench.path("again/geometry.json")).unwrap()
    };
    let calibrated = geometry::read(&bench.path("out/geometry.json")).unwrap();
    let binned = again(", bin: 2");
    assert!(apart(&binned, &calibrated) < 1e-9);
    let (a, b) = (binned.orbit.unwrap(), calibrated.orbit.unwrap());
    assert!((a.offset[1] - b.offset[1]).abs() < 1e-9 && a.source_to_axis == b.source_to_axis, "{a:?}, not {b:?}");
    assert_eq!(again("").shape(), [72, 1, 97]);
    // The poses can be calibrated again, which finds no further shift.
    acquired(&bench, &format!("{data}, geometry: {{poses: {{file: out/poses.json}}}}, calibrate: [center]"), "out");
    let (center, _) = found(&bench, "center");
    assert!(center.abs() < 0.1, "{center}");
}

#[test]
fn a_cone_tells_the_roll_of_its_detector() {
    let bench = Bench::new();
    let scan = |roll: f64| {
        format!(
            "cone: {{views: 24, source_to_axis_mm: 500, source_to_detector_mm: 750, detector: {{pixels: [28, 28], \
             pitch_mm: 12, rotation_deg: {roll}}}}}"
        )
    };
    simulated(&bench, "shepp-logan", &scan(1.5), "[16, 16, 16]");
    let keys = format!("npy: {{path: s/projections.npy}}, geometry: {{{}}}, calibrate: [roll]", scan(0.0));
    let said = acquired(&bench, &keys, "out");
    assert!(said.contains("[calibrated]"), "{said}");
    let (roll, error) = found(&bench, "roll");
    // Voxels of 8 mm cannot represent the edges of the phantom, which causes an error larger than the standard error.
    assert!((roll - 1.5).abs() < 0.4 && error < 0.2, "{roll} ± {error} degrees");
    let right = geometry::read(&bench.path("s/geometry.json")).unwrap();
    let calibrated = geometry::read(&bench.path("out/geometry.json")).unwrap();
    assert!(apart(&calibrated, &right) < 0.1, "pixels of 12 mm turn: {}", apart(&calibrated, &right));
}

/// Returns the line integrals of discs in a parallel beam over half a turn; the axis projects to column 31.5 +
/// `aside(view)`.
fn disks(aside: impl Fn(usize) -> f64) -> Array3<f32> {
    let disks = [(3.0, -2.0, 22.0, 0.02), (9.0, 7.0, 4.0, 0.04), (-11.0, 3.0, 6.0, -0.01), (2.0, -14.0, 3.0, 0.05)];
    Array3::from_shape_fn((120, 1, 64), |(view, _, column)| {
        let (s, c) = (1.5 * view as f64).to_radians().sin_cos();
        let u = column as f64 - 31.5 - aside(view);
        let of = |&(x, y, radius, mu): &(f64, f64, f64, f64)| {
            let off: f64 = u - (c * y - s * x);
            2.0 * mu * (radius * radius - off * off).max(0.0).sqrt()
        };
        disks.iter().map(of).sum::<f64>() as f32
    })
}

fn written(bench: &Bench, data: &Array3<f32>) -> &'static str {
    data.write_npy(File::create(bench.path("p.npy")).unwrap()).unwrap();
    "npy: {path: p.npy}, geometry: {parallel: {detector: {pitch_mm: 1}}}"
}

/// Returns an irregular whole number in -1..=1.
fn throw(view: usize) -> f64 {
    f64::from(((view as u32).wrapping_mul(2_654_435_769) >> 16) & 3).min(2.0) - 1.0
}

#[test]
fn views_that_tremble_are_put_where_they_stand() {
    let bench = Bench::new();
    let keys = written(&bench, &disks(throw));
    let said = acquired(&bench, &format!("{keys}, calibrate: [jitter]"), "out");
    assert!(said.contains("[jitter_corrected]"), "{said}");
    let poses = geometry::read(&bench.path("out/poses.json")).unwrap();
    // A constant offset of the views is a shift of the centre and not jitter, so that `rms` subtracts the mean.
    let shifts: Vec<f64> = poses.views.iter().map(|view| -dot(view.center, normalized(view.u))).collect();
    let off: Vec<f64> = shifts.iter().enumerate().map(|(view, shift)| shift - throw(view)).collect();
    let rms = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    };
    let whole: Vec<f64> = (0..120).map(throw).collect();
    assert!(rms(&off) < 0.35 * rms(&whole), "{} of {} columns stay", rms(&off), rms(&whole));
}

/// Half a turn tells a drift apart from a shift of the centre, with a larger error.
#[test]
fn a_drift_is_no_centre() {
    let bench = Bench::new();
    let keys = written(&bench, &disks(|view| 1.0 + 1.5 * (view as f64 / 119.0 - 0.5)));
    acquired(&bench, &format!("{keys}, calibrate: [center, drift]"), "out");
    let ((center, narrow), (drift, wide)) = (found(&bench, "center"), found(&bench, "drift"));
    assert!((center - 1.0).abs() < 0.1 && (drift - 1.5).abs() < 0.5, "{center} ± {narrow}, {drift} ± {wide}");
    assert!(wide > narrow, "{wide}, {narrow}");
}

#[test]
fn what_predicts_no_better_is_refused_and_what_means_nothing_is_named() {
    let bench = Bench::new();
    let noise = Array3::from_shape_fn((60, 1, 40), |(view, _, column)| {
        let i = (view * 40 + column) as u32;
        (i.wrapping_mul(2_654_435_769) ^ (i << 13)).wrapping_mul(2_246_822_519) as f32 / 4e9
    });
    let keys = written(&bench, &noise);
    let said = acquired(&bench, &format!("{keys}, calibrate: [center]"), "out");
    assert!(said.contains("predicts withheld views no better") && said.contains("[calibration_refused]"), "{said}");
    assert!(!bench.path("out/poses.json").exists());
    let middle = geometry::read(&bench.path("out/geometry.json")).unwrap().project(0, [0.0; 3]).unwrap().1;
    assert!((middle - 19.5).abs() < 1e-9, "the given axis stays, not {middle}");
    let refused = |keys: &str, calibrate: &str, words: &str| {
        bench.write("a.yaml", &format!("acquire: {{{keys}, calibrate: {calibrate}}}\nreconstruct: [fbp]\n"));
        bench.recon(&["check", "a.yaml"]).expect(2, &["acquire.calibrate", words]);
    };
    refused(keys, "[tilt]", "`tilt` cannot be estimated with a detector of one row");
    refused(keys, "[center, source_distance]", "`source_distance` cannot be estimated with a parallel beam");
    refused(keys, "[center, drift, center]", "`center` is listed twice");
    refused(keys, "[centre]", "unknown value `centre`");
    Array3::from_elem((60, 4, 40), 0.2f32).write_npy(File::create(bench.path("h.npy")).unwrap()).unwrap();
    let helix = "npy: {path: h.npy}, values: line_integrals, preflight: off, geometry: {helical: {turns: 2, pitch_mm: \
                 20}}";
    refused(helix, "[center]", "`center` needs views on a circle about z");
}
