//! Tests of the input files of a pipeline: whatever file a configuration names, at whatever depth, a changed byte in it
//! makes the stage that reads it run again, and the manifest lists it. No run uses the volume of another patient.

use crate::common::Bench;
use std::io::Read;
use std::path::Path;

const SCAN: &str = "{parallel: {views: 8, detector: {pixels: [10, 20], pitch_mm: 12}}}";

/// Makes a folder with one file of every kind that a pipeline can name.
fn bench() -> Bench {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    bench.write("p.yaml", &std::fs::read_to_string(phantom).unwrap());
    for name in ["ct", "grid", "prior"] {
        bench.recon(&["phantom", phantom, "-o", &format!("{name}.nii.gz"), "--shape", "10,12,12"]).expect(0, &[]);
        let mut bytes = Vec::new();
        let packed = std::fs::File::open(bench.path(&format!("{name}.nii.gz"))).unwrap();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        std::fs::write(bench.path(&format!("{name}.nii")), &bytes).unwrap();
        // The same volume is written as a pair of files: the magic is ni1, and the voxels begin at byte 0 of the second
        // file.
        bytes[344..348].copy_from_slice(b"ni1\0");
        bytes[108..112].copy_from_slice(&0f32.to_le_bytes());
        std::fs::write(bench.path(&format!("{name}.hdr")), &bytes[..348]).unwrap();
        std::fs::write(bench.path(&format!("{name}.img")), &bytes[352..]).unwrap();
    }
    bench.write("spectrum.csv", "keV,photons\n40,1\n60,2\n80,1\n");
    bench
}

fn pipeline(load: &str, grid: &str, simulate: &str, reconstruct: &str) -> String {
    format!(
        "load: {load}\ngrid: {grid}\nsimulate: {simulate}\nreconstruct: {reconstruct}\n\
         export: {{directory: out, volumes: [nifti], report: [json], dicom: {{identity: keep}}}}\n"
    )
}

/// Returns whether a stage of the last run took its result from the cache.
fn cached(bench: &Bench, stage: &str) -> bool {
    let report = bench.json("out/report.json");
    let stages = report["stages"].as_array().unwrap();
    stages.iter().find(|entry| entry["name"] == stage).unwrap_or_else(|| panic!("no stage {stage}"))["cached"] == true
}

/// Changes a byte that no reader objects to: in the description of a NIfTI header, in a voxel, or in a remark at the
/// end of a text.
fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    match path.extension().unwrap().to_str().unwrap() {
        "nii" | "hdr" => bytes[160] ^= 1,
        "img" => {
            let last = bytes.len() - 1;
            bytes[last - 1] ^= 1;
        }
        "npy" => {
            let last = bytes.len() - 2;
            bytes[last] ^= 1;
        }
        "json" => bytes.push(b' '),
        _ => bytes.extend(b"# a remark\n"),
    }
    std::fs::write(path, bytes).unwrap();
}

/// Runs twice, changes one byte of `file` and runs again: `stage` must be cached in the second run and not in the
/// third.
fn changed_byte_is_seen(bench: &Bench, text: &str, file: &str, stage: &str) {
    bench.write("a.yaml", text);
    let _ = std::fs::remove_dir_all(bench.path("out"));
    bench.recon(&["run", "a.yaml", "-q"]).expect(0, &[]);
    bench.recon(&["run", "a.yaml", "-q"]).expect(0, &[]);
    assert!(cached(bench, stage), "{file}: nothing changed, and {stage} was done again");
    let manifest = bench.json("out/manifest.json");
    let inputs = manifest["inputs"].as_array().unwrap();
    assert!(inputs.iter().any(|input| input["path"] == format!("../{file}")), "{file} is not in {inputs:?}");
    spoil(&bench.path(file));
    bench.recon(&["verify", "out"]).expect(3, &[file]);
    bench.recon(&["run", "a.yaml", "-q"]).expect(0, &[]);
    assert!(!cached(bench, stage), "{file} changed, and {stage} was not done again");
}

#[test]
fn a_changed_byte_in_any_file_of_a_simulation_is_seen() {
    let bench = bench();
    let (scan, fbp) = (format!("{{geometry: {SCAN}}}"), "[fbp]");
    let grid = "{shape: [5, 6, 6]}";
    let cases = [
        ("p.yaml", "load", pipeline("{phantom: {file: p.yaml}}", grid, &scan, fbp), "simulate"),
        ("ct.nii", "load", pipeline("{nifti: {path: ct.nii}}", grid, &scan, fbp), "simulate"),
        ("ct.img", "load", pipeline("{nifti: {path: ct.hdr}}", grid, &scan, fbp), "simulate"),
        ("ct.hdr", "load", pipeline("{nifti: {path: ct.img}}", grid, &scan, fbp), "simulate"),
        (
            "grid.nii",
            "resample.from",
            pipeline("{nifti: {path: ct.nii}, resample: {from: grid.nii}}", grid, &scan, fbp),
            "simulate",
        ),
        ("grid.img", "grid.from", pipeline("{nifti: {path: ct.nii}}", "{from: grid.hdr}", &scan, fbp), "simulate"),
        (
            "spectrum.csv",
            "spectrum",
            pipeline(
                "{phantom: {file: p.yaml}}",
                grid,
                &format!("{{geometry: {SCAN}, spectrum: {{file: {{path: spectrum.csv}}}}}}"),
                fbp,
            ),
            "simulate",
        ),
        (
            "prior.nii",
            "volume",
            pipeline("{nifti: {path: ct.nii}}", grid, &scan, "[volume: {path: prior.nii}]"),
            "reconstruct",
        ),
        (
            "prior.img",
            "start.volume",
            pipeline(
                "{nifti: {path: ct.nii}}",
                grid,
                &scan,
                "[neural_field: {field: {siren: {width: 8, depth: 2}}, steps: 2, \
                 start: {volume: {path: prior.hdr}, steps: 2, batch: 16}}]",
            ),
            "reconstruct",
        ),
    ];
    for (file, what, text, stage) in cases {
        println!("{what}: {file}");
        changed_byte_is_seen(&bench, &text, file, stage);
    }
}

#[test]
fn a_changed_byte_in_any_file_of_a_measurement_is_seen() {
    let bench = bench();
    let simulated =
        pipeline("{phantom: {file: p.yaml}}", "{shape: [5, 6, 6]}", &format!("{{geometry: {SCAN}}}"), "[fbp]");
    bench.write("s.yaml", &simulated.replace("directory: out", "directory: scan"));
    bench.recon(&["run", "s.yaml", "-q"]).expect(0, &[]);
    for name in ["projections.npy", "geometry.json"] {
        std::fs::copy(bench.path(&format!("scan/{name}")), bench.path(name)).unwrap();
    }
    bench.write("angles.txt", "0\n22.5\n45\n67.5\n90\n112.5\n135\n157.5\n");
    let measured = |keys: &str| {
        format!(
            "acquire: {{npy: {{path: projections.npy{keys}}}, values: line_integrals, preflight: warn, \
             geometry: {{poses: {{file: geometry.json}}}}}}\ngrid: {{from: grid.nii}}\nreconstruct: [fbp]\n\
             export: {{directory: out, volumes: [nifti], report: [json]}}\n"
        )
    };
    for (file, keys) in
        [("projections.npy", ""), ("geometry.json", ""), ("grid.nii", ""), ("angles.txt", ", angles: angles.txt")]
    {
        println!("{file}");
        let text = if keys.is_empty() {
            measured(keys)
        } else {
            measured(keys).replace("{poses: {file: geometry.json}}", "{parallel: {detector: {pitch_mm: 12}}}")
        };
        changed_byte_is_seen(&bench, &text, file, "acquire");
    }
}

#[test]
fn two_patients_in_nested_folders_and_one_run_folder_are_two_volumes() {
    let bench = bench();
    for (patient, phantom) in [("a", "shepp-logan"), ("b", "water-cylinder")] {
        let file = format!("{}/phantoms/{phantom}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = pipeline(
            &format!("{{phantom: {{file: {file}}}}}"),
            "{shape: [6, 8, 8]}",
            &format!("{{geometry: {SCAN}}}"),
            "[fbp]",
        );
        let text = text.replace(
            "directory: out, volumes: [nifti]",
            &format!("directory: made-{patient}, volumes: [nifti, dicom]"),
        );
        bench.write("make.yaml", &text);
        bench.recon(&["run", "make.yaml", "-q"]).expect(0, &[]);
        let nested = bench.path(&format!("patient-{patient}/study/series"));
        std::fs::create_dir_all(nested.parent().unwrap()).unwrap();
        std::fs::rename(bench.path(&format!("made-{patient}/fbp/dicom")), &nested).unwrap();
    }
    let text = pipeline("{dicom: {path: patient-a}}", "{shape: [3, 4, 4]}", &format!("{{geometry: {SCAN}}}"), "[fbp]");
    bench.write("p.yaml", &text);
    let volume = |patient: &str| {
        let path = format!("load.dicom.path={patient}");
        bench.recon(&["run", "p.yaml", "-q", "--set", &path]).expect(0, &[]);
        std::fs::read(bench.path("out/fbp/volume.nii.gz")).unwrap()
    };
    let (a, b) = (volume("patient-a"), volume("patient-b"));
    assert!(a != b, "patient b was given patient a's volume");
    // The same series in another folder is the same input.
    std::fs::rename(bench.path("patient-b"), bench.path("moved")).unwrap();
    assert_eq!(volume("moved"), b);
    assert!(cached(&bench, "simulate"), "files that were only moved were read again");
}
