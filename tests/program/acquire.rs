//! Tests of measured projections through the program: formats, flat and dark fields, the axis of rotation, the names
//! that the preflight check gives to faults, and damaged files.

use crate::common::{Bench, Outcome, TINY, data_or_skip};
use ndarray::Array3;
use ndarray_npy::{ReadNpyExt, WriteNpyExt};
use recon::formats::describe;
use recon::formats::measured::{hdf5, mat};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A scan that tools/golden-measured.py writes.
const EXCHANGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/exchange.h5");
const NAMES: hdf5::Names = hdf5::Names {
    data: "/exchange/data",
    flats: Some("/exchange/data_white"),
    darks: Some("/exchange/data_dark"),
    angles: Some("/exchange/theta"),
};

/// Writes a pipeline that acquires `input` with the keys `more` and reconstructs by FBP.
fn pipeline(bench: &Bench, input: &str, more: &str) -> PathBuf {
    let text = format!("acquire: {{{input}, {more}}}\nreconstruct: [fbp]\n");
    bench.write("p.yaml", &text)
}

const PARALLEL: &str = "geometry: {parallel: {detector: {pitch_mm: 1}}}";

fn check(bench: &Bench, input: &str, more: &str) -> Outcome {
    let file = pipeline(bench, input, &format!("{PARALLEL}{more}"));
    bench.recon(&["check", file.to_str().unwrap()])
}

fn exchange() -> String {
    format!("hdf5: {{path: {EXCHANGE}}}")
}

/// Returns the line integral of the file's cylinder at (view, column): its chord times its attenuation.
fn expected(view: usize, column: usize) -> f64 {
    let center = 18.0 + 8.0 * (view as f64 * 7.5).to_radians().cos();
    0.2 * (36.0 - (column as f64 - center).powi(2)).max(0.0).sqrt()
}

#[test]
fn a_tomopy_file_is_read_with_flats_darks_and_angles() {
    let frames = hdf5::read(Path::new(EXCHANGE), &NAMES, None).unwrap();
    assert_eq!(
        (frames.data.dim(), frames.flats.unwrap().dim(), frames.darks.unwrap().dim()),
        ((24, 3, 40), (5, 3, 40), (5, 3, 40))
    );
    assert_eq!(frames.angles.unwrap()[3], 22.5);
    assert_eq!(frames.data[[0, 0, 0]], 20000.0);
    let part = hdf5::read(Path::new(EXCHANGE), &NAMES, Some(&(2..3))).unwrap();
    assert_eq!((part.data.dim(), part.height), ((24, 1, 40), 3));
    let rows = describe(Path::new(EXCHANGE)).unwrap().rows;
    assert!(rows.contains(&("/exchange/data".into(), "24 x 3 x 40, uint16".into())), "{rows:?}");
}

#[test]
fn counts_become_the_line_integrals_that_were_counted() {
    let bench = Bench::new();
    let file = pipeline(&bench, &exchange(), &format!("{PARALLEL}, center_of_rotation: 18.0"));
    let run = bench.recon(&["run", file.to_str().unwrap(), "--output", "out", "--json"]).expect(0, &["[bad_pixels]"]);
    let integrals = Array3::<f32>::read_npy(File::open(bench.path("out/projections.npy")).unwrap()).unwrap();
    for ((view, row, column), &value) in integrals.indexed_iter() {
        if (row, column) != (1, 30) {
            let wanted = expected(view, column);
            assert!(
                (f64::from(value) - wanted).abs() < 1e-3,
                "view {view} row {row} column {column}: {value}, not {wanted}"
            );
        }
    }
    assert!(!run.stderr.contains("center_off") && !run.stderr.contains("air_level"), "{}", run.stderr);
    let report = bench.json("out/report.json");
    let residual = report["methods"][0]["metrics"]["residual"].as_f64().unwrap();
    assert!(residual > 0.0 && residual < 0.3, "{residual}");
    let metrics = report["methods"][0]["metrics"].as_object().unwrap();
    let keys: Vec<&str> = metrics.keys().map(String::as_str).collect();
    assert_eq!(keys, ["held_out_noise", "held_out_residual", "residual", "resolution_mm"], "none needs a truth");
    let held_out = metrics["held_out_residual"].as_f64().unwrap();
    assert!(held_out > residual && held_out < 0.4, "{held_out} after {residual}");
    assert_eq!(report["metric_definitions"]["held_out_noise"]["unit"], "σ");
    let shells = &report["methods"][0]["notes"]["fourier_shell_correlation"];
    assert!(shells["correlation"].as_array().unwrap().len() > 5 && run.stdout.contains("resolution"), "{run:#?}");
    assert_eq!(report["metric_definitions"]["residual"]["mask"], "all");
    assert!(std::fs::read_to_string(bench.path("out/report.html")).unwrap().contains("1/mm"));
    // The second run does nothing again, and repeats the warnings of the cached stage.
    let again = bench.recon(&["run", file.to_str().unwrap(), "--output", "out"]).expect(0, &["[bad_pixels]"]);
    assert!(again.stderr.contains("bad_pixels") && bench.json("out/report.json")["stages"][0]["cached"] == true);
}

#[test]
fn the_axis_is_found_and_a_wrong_one_is_named() {
    let bench = Bench::new();
    check(&bench, &exchange(), ", center_of_rotation: 22").expect(0, &["[center_off]", "not 22.0"]);
    check(&bench, &exchange(), "").expect(0, &["[center_off]", "not 19.5"]);
    let found = check(&bench, &exchange(), ", center_of_rotation: auto").expect(0, &["[center_found]"]).stderr;
    let column: f64 = found.split("found at column ").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert!((column - 18.0).abs() < 0.3, "{column}");
    check(&bench, &exchange(), ", center_of_rotation: 99")
        .expect(2, &["acquire.center_of_rotation", "beside the 40 columns"]);
}

#[test]
fn binning_and_rows_move_the_axis_with_the_pixels() {
    let bench = Bench::new();
    let found = check(&bench, &exchange(), ", center_of_rotation: 18.0, bin: 2, rows: [0, 2]").expect(0, &[]);
    assert!(!found.stderr.contains("center_off") && found.stdout.contains("24 views of 1 x 20 pixels"), "{found:#?}");
    check(&bench, &exchange(), ", rows: [2, 9]").expect(3, &["within 0 and 3"]);
    check(&bench, &exchange(), ", bin: 30").expect(2, &["acquire.bin"]);
}

/// Writes the line integrals of the cylinder, each changed by `change`, as npy; returns the input of the pipeline.
fn written(bench: &Bench, name: &str, change: impl Fn(f64) -> f64) -> String {
    let values = Array3::from_shape_fn((24, 1, 40), |(view, _, column)| change(expected(view, column)) as f32);
    values.write_npy(File::create(bench.path(name)).unwrap()).unwrap();
    format!("npy: {{path: {name}}}")
}

#[test]
fn a_missing_logarithm_a_wrong_sign_and_a_logarithm_taken_twice_are_refused_by_their_names() {
    let bench = Bench::new();
    let axis = ", center_of_rotation: 18.0";
    let good = written(&bench, "good.npy", |p| p);
    let fine = check(&bench, &good, axis).expect(0, &[]);
    assert!(!fine.stderr.contains("warning"), "{}", fine.stderr);
    let transmission = written(&bench, "t.npy", |p| (-p).exp());
    check(&bench, &transmission, axis).expect(3, &["missing_log", "values: transmission"]);
    check(&bench, &transmission, &format!("{axis}, values: transmission")).expect(0, &[]);
    let counts = written(&bench, "c.npy", |p| 30000.0 * (-p).exp());
    check(&bench, &counts, axis).expect(3, &["missing_log", "counts"]);
    check(&bench, &counts, &format!("{axis}, values: transmission")).expect(3, &["not_normalised", "open_beam: 30000"]);
    check(&bench, &counts, &format!("{axis}, values: counts")).expect(2, &["acquire.values", "open_beam"]);
    check(&bench, &counts, &format!("{axis}, values: counts, open_beam: 30000")).expect(0, &[]);
    let negative = written(&bench, "n.npy", |p| -p);
    check(&bench, &negative, axis).expect(3, &["wrong_sign"]);
    check(&bench, &negative, &format!("{axis}, preflight: warn")).expect(0, &["[wrong_sign]"]);
    check(&bench, &good, &format!("{axis}, values: transmission"))
        .expect(3, &["log_already_taken", "values: line_integrals"]);
}

#[test]
fn a_view_without_a_signal_is_refused_by_its_number() {
    let bench = Bench::new();
    let values =
        Array3::from_shape_fn(
            (24, 1, 40),
            |(view, _, column)| if view == 5 { 0.0 } else { 3e4 * (-expected(view, column)).exp() as f32 },
        );
    values.write_npy(File::create(bench.path("c.npy")).unwrap()).unwrap();
    let axis = ", center_of_rotation: 18.0, values: counts, open_beam: 30000";
    check(&bench, "npy: {path: c.npy}", axis).expect(3, &["blank_views", "1 of 24 views, counted from 0: 5;"]);
    check(&bench, "npy: {path: c.npy}", &format!("{axis}, preflight: warn")).expect(0, &["[blank_views]"]);
}

#[test]
fn angles_in_radians_are_suspected_and_read() {
    let bench = Bench::new();
    let input = written(&bench, "d.npy", |p| p).replace('}', ", angles: a.txt}");
    let angles: Vec<String> = (0..24).map(|i| (f64::from(i) * 7.5f64.to_radians()).to_string()).collect();
    bench.write("a.txt", &angles.join("\n"));
    let axis = ", center_of_rotation: 18.0";
    check(&bench, &input, axis).expect(0, &["[limited_arc]", "angles_in: radians"]);
    let read = check(&bench, &input, &format!("{axis}, angles_in: radians")).expect(0, &[]);
    assert!(!read.stderr.contains("warning"), "{}", read.stderr);
    bench.write("a.txt", "0\n1\n");
    check(&bench, &input, axis).expect(3, &["one angle per view (24), got 2"]);
}

/// The projections of a simulated fan scan of an asymmetric phantom are read back as measured data.
#[test]
fn a_simulated_fan_scan_comes_back_and_turned_round_it_is_named() {
    let bench = Bench::new();
    let phantom = concat!(env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan-2d.yaml");
    let scan =
        "fan: {views: 90, source_to_axis_mm: 400, source_to_detector_mm: 600, detector: {pixels: 160, pitch_mm: 2.5}}";
    let simulate = format!(
        "load: {{phantom: {{file: {phantom}}}}}\ngrid: {{shape: [64, 64]}}\nsimulate: {{geometry: \
         {{{scan}}}}}\nreconstruct: [fdk]\n"
    );
    let file = bench.write("s.yaml", &simulate);
    bench.recon(&["run", file.to_str().unwrap(), "--output", "s", "--until", "simulate"]).expect(0, &[]);
    let measure = |more: &str| {
        let text = format!(
            "acquire: {{npy: {{path: s/projections.npy}}, geometry: {{{scan}}}, mu_water_per_mm: \
             0.0206{more}}}\nreconstruct: [fdk]\n"
        );
        bench.recon(&["check", bench.write("m.yaml", &text).to_str().unwrap()]).expect(0, &[]).stderr
    };
    let given = measure("");
    assert!(!given.contains("warning"), "{given}");
    let turned = measure(", reverse_angles: true");
    assert!(turned.contains("[reversed_angles]") && turned.contains("reverse_angles: false"), "{turned}");
    let run = bench.recon(&["run", "m.yaml", "--output", "m", "--set", "acquire.reverse_angles=false"]).expect(0, &[]);
    assert!(run.stdout.contains("fdk/volume.nii.gz"));
    assert!(std::fs::read_to_string(bench.path("m/report.html")).unwrap().contains("HU"));
}

/// Writes the 30 views of `s/projections.npy` in another order to `shuffled.npy`; returns them as they were.
fn shuffled(bench: &Bench) -> Array3<f32> {
    let straight = Array3::<f32>::read_npy(File::open(bench.path("s/projections.npy")).unwrap()).unwrap();
    let mut shuffled = straight.clone();
    for view in 0..30 {
        shuffled.index_axis_mut(ndarray::Axis(0), view).assign(&straight.index_axis(ndarray::Axis(0), view * 7 % 30));
    }
    shuffled.write_npy(File::create(bench.path("shuffled.npy")).unwrap()).unwrap();
    straight
}

/// The views of a ball beside the axis hardly overlap if they are taken in another order.
#[test]
fn views_in_the_wrong_order_are_named_before_a_run() {
    let bench = Bench::new();
    let ball = "{name: ball, source: a test, extent_mm: 200, dimension: 3, unit_mm: 1, shapes: [{ellipsoid: {center: \
                [50, 0, 0], semi_axes: [20, 20, 20], density: 1}}]}";
    bench.write("ball.yaml", ball);
    let simulate = "load: {phantom: {file: ball.yaml}}\ngrid: {shape: [24, 24, 24]}\nsimulate: {geometry: {cone: \
                    {views: 30, source_to_axis_mm: 400, source_to_detector_mm: 600, detector: {pixels: [30, 44], \
                    pitch_mm: 9, offset_mm: [4, -13]}}}}\nreconstruct: [fdk]\n";
    let file = bench.write("s.yaml", simulate);
    bench.recon(&["run", file.to_str().unwrap(), "--output", "s", "--until", "simulate"]).expect(0, &[]);
    shuffled(&bench);
    let check = |views: &str| {
        let text = format!(
            "acquire: {{npy: {{path: {views}}}, geometry: {{poses: {{file: s/geometry.json}}}}, mu_water_per_mm: \
             0.0206}}\ngrid: {{from: s/truth.nii.gz}}\nreconstruct: [tv]\n"
        );
        bench.recon(&["check", bench.write("m.yaml", &text).to_str().unwrap()])
    };
    let straight = check("s/projections.npy").expect(0, &[]);
    assert!(!straight.stderr.contains("inconsistent_views"), "{}", straight.stderr);
    check("shuffled.npy").expect(0, &["[inconsistent_views]"]);
}

/// A simulated cone scan with a shifted detector is read back through its file of poses, whole and binned.
#[test]
fn measured_poses_stand_in_for_an_orbit_and_views_in_the_wrong_order_fit_worse() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    let scan = "cone: {views: 30, source_to_axis_mm: 400, source_to_detector_mm: 600, detector: {pixels: [30, 44], \
     pitch_mm: 9, offset_mm: [4, -13]}}";
    let simulate = format!(
        "load: {{phantom: {{file: {phantom}}}}}\ngrid: {{shape: [24, 24, 24]}}\nsimulate: {{geometry: \
         {{{scan}}}}}\nreconstruct: [fdk]\n"
    );
    bench.recon(&["run", bench.write("s.yaml", &simulate).to_str().unwrap(), "--output", "s"]).expect(0, &[]);
    let run = |views: &str, more: &str| {
        let text = format!(
            "acquire: {{npy: {{path: {views}}}, geometry: {{poses: {{file: s/geometry.json}}}}, mu_water_per_mm: \
             0.0206{more}}}\n\
             grid: {{from: s/truth.nii.gz}}\nreconstruct: [tv: {{iterations: 40}}]\n"
        );
        bench.recon(&["run", bench.write("m.yaml", &text).to_str().unwrap(), "--output", "m"])
    };
    let residual = || {
        let report: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(bench.path("m/report.json")).unwrap()).unwrap();
        report["methods"][0]["metrics"]["residual"].as_f64().unwrap()
    };
    let whole = run("s/projections.npy", "").expect(0, &[]);
    assert!(!whole.stderr.contains("[inconsistent_views]"), "{}", whole.stderr);
    // Voxels of 8 mm cannot represent the edges of the skull, which leaves a residual.
    let left = residual();
    assert!(left < 0.12, "{left}");
    run("s/projections.npy", ", bin: 2").expect(0, &[]);
    assert!(residual() < 0.12, "binned: {}", residual());
    let straight = shuffled(&bench);
    let named = run("shuffled.npy", "").expect(0, &[]);
    assert!(residual() > 2.0 * left, "{} after {left}: {}", residual(), named.stderr);
    run("s/projections.npy", ", center_of_rotation: 3").expect(2, &["center_of_rotation", "poses already say"]);
    let fewer = straight.slice(ndarray::s![..29, .., ..]).to_owned();
    fewer.write_npy(File::create(bench.path("fewer.npy")).unwrap()).unwrap();
    run("fewer.npy", "").expect(2, &["geometry.poses.file", "30 views of 30 x 44 pixels", "29 of 30 x 44"]);
}

#[test]
fn one_source_of_projections_and_only_one() {
    let bench = Bench::new();
    let tiny = std::fs::read_to_string(TINY).unwrap();
    let both = bench.write("both.yaml", &format!("{tiny}\nacquire: {{{}, {PARALLEL}}}\n", exchange()));
    bench.recon(&["check", both.to_str().unwrap()]).expect(2, &["acquire:", "give either `acquire`"]);
    let none = bench.write("none.yaml", "reconstruct: [fdk]\n");
    bench.recon(&["check", none.to_str().unwrap()]).expect(2, &["`acquire`"]);
    let file = bench.write("scanless.yaml", &format!("acquire: {{{}}}\nreconstruct: [fbp]\n", exchange()));
    bench.recon(&["check", file.to_str().unwrap()]).expect(2, &["acquire.geometry: expected the scan"]);
    let file = bench.write("typo.yaml", &format!("acquire:\n  {}\n  center_of_rotatoin: 3\n", exchange()));
    bench.recon(&["check", file.to_str().unwrap()]).expect(2, &["center_of_rotation", ":3:3"]);
}

#[test]
fn files_that_are_not_what_they_are_called_are_refused() {
    let bench = Bench::new();
    for (name, input) in [
        ("a.h5", "hdf5: {path: a.h5}"),
        ("a.tif", "tiff: {path: a.tif}"),
        ("a.mat", "mat: {path: a.mat}"),
        ("a.npy", "npy: {path: a.npy}"),
    ] {
        check(&bench, input, "").expect(3, &["no such file"]);
        for content in ["", "not at all", "\u{89}HDF\r\n\u{1a}\n"] {
            bench.write(name, content);
            check(&bench, input, "").expect(3, &[name]);
            bench.recon(&["info", name]).expect(3, &[name]);
        }
    }
}

/// A file that is truncated or has a changed byte never causes a panic; an error says that the input is at fault.
#[test]
fn damaged_hdf5_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let good = std::fs::read(EXCHANGE).unwrap();
    let mut refused = 0;
    for i in 0..1200usize {
        let at = i * 7919 % good.len();
        let mut bytes = good.clone();
        match i % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at % 2048] ^= (i % 255) as u8 + 1,
            _ => bytes[at] = 0xff,
        }
        std::fs::write(&path, bytes).unwrap();
        if let Err(error) = hdf5::read(&path, &NAMES, None) {
            assert_eq!(error.exit_code(), 3, "{error}");
            refused += 1;
        }
        let _ = describe(&path);
        let _ = mat::read(&path, &mat::Names::default(), None);
    }
    assert!(refused > 300, "{refused}");
}

#[test]
fn the_tooth_of_the_synchrotron_is_calibrated_and_its_axis_found() {
    let tooth = data_or_skip!("projections/aps_tooth_parallel/tooth.h5");
    let bench = Bench::new();
    let input = format!("hdf5: {{path: {}}}", tooth.display());
    let found = check(&bench, &input, ", rows: [0, 1], center_of_rotation: auto").expect(0, &["[center_found]"]).stderr;
    let column: f64 = found.split("found at column ").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert!((column - 296.0).abs() < 0.6, "an FBP sweep by eye gave 296.0; found {column}");
    check(&bench, &input, ", rows: [0, 1], center_of_rotation: 310").expect(0, &["[center_off]"]);
    check(&bench, &input, ", rows: [0, 1], values: line_integrals").expect(3, &["missing_log"]);
}

#[test]
fn the_fan_of_helsinki_is_read_from_both_kinds_of_matlab_file() {
    for (name, first) in [("ta_subsample73.mat", 299.0), ("tc_subsample.mat", 32.0)] {
        let path = data_or_skip!(&format!("projections/htc2022_fan/{name}"));
        let frames = mat::read(&path, &mat::Names::default(), None).unwrap();
        assert_eq!(frames.data.dim(), (61, 1, 560));
        let angles = frames.angles.unwrap();
        assert_eq!((angles[0], angles[60]), (first, first + 30.0));
        let middle = frames.data[[30, 0, 280]];
        assert!(middle > 1.0 && middle < 4.0 && frames.data[[30, 0, 2]].abs() < 0.1, "{name}: {middle}");
    }
}

#[test]
fn the_fan_of_helsinki_with_a_wrong_axis_or_sign_is_named() {
    let path = data_or_skip!("projections/htc2022_fan/ta_subsample73.mat");
    let bench = Bench::new();
    let fan = "geometry: {fan: {source_to_axis_mm: 410.66, source_to_detector_mm: 553.74, detector: {pitch_mm: 0.2}}}";
    let check = |more: &str| {
        let text = format!("acquire: {{mat: {{path: {}}}, {fan}{more}}}\nreconstruct: [tv]\n", path.display());
        bench.recon(&["check", bench.write("h.yaml", &text).to_str().unwrap()])
    };
    let given = check("").expect(0, &["[limited_arc]"]).stderr;
    assert!(!given.contains("center_off") && !given.contains("reversed_angles"), "{given}");
    check(", center_of_rotation: 300").expect(0, &["[center_off]", "not 300.0"]);
    check(", values: transmission").expect(3, &["log_already_taken"]);
}
