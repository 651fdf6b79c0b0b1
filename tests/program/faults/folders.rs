//! Rows 11, 23, 25 and 30 of the fault matrix: links in the run folder, inputs that change, forged lines, changed
//! bytes.

use super::{ends, pipeline, volume};
use crate::common::{Bench, Outcome, TINY};
use std::os::unix::fs::symlink;
use std::process::Stdio;

#[test]
fn row_11_links_inside_the_run_folder_are_not_followed() {
    for inside in ["fdk", "log.jsonl", ".cache"] {
        let bench = Bench::new();
        std::fs::create_dir_all(bench.path("out")).unwrap();
        std::fs::create_dir_all(bench.path("elsewhere")).unwrap();
        symlink(bench.path("elsewhere"), bench.path("out").join(inside)).unwrap();
        bench.quick(&[]).expect(5, &["symbolic link"]);
        assert_eq!(std::fs::read_dir(bench.path("elsewhere")).unwrap().count(), 0, "{inside}");
    }
}

#[test]
fn row_23_results_of_another_pipeline_are_replaced_only_by_force() {
    let bench = Bench::new();
    bench.quick(&[]).expect(0, &[]);
    bench.quick(&["--set", "name=other"]).expect(2, &["the results of the pipeline `tiny`, this one is `other`"]);
    assert_eq!(bench.json("out/report.json")["name"], "tiny");
    bench.quick(&["--set", "name=other", "--force"]).expect(0, &[]);
    bench.write("mine/truth.nii.gz", "not yours");
    bench.recon(&["run", TINY, "--output", "mine"]).expect(2, &["truth.nii.gz", "--force"]);
    assert_eq!(std::fs::read_to_string(bench.path("mine/truth.nii.gz")).unwrap(), "not yours");
}

#[test]
fn row_23_an_input_that_is_replaced_during_the_run_is_exit_3() {
    let bench = Bench::new();
    let mut bytes = volume(&bench, "a.nii");
    let net = "[{name: net, neural_field: {field: {siren: {width: 8, depth: 2}}, steps: 150, checkpoint_seconds: 0}}]";
    bench.write("p.yaml", &pipeline("{nifti: {path: a.nii}}", net, "report: [json], dicom: {identity: keep}"));
    let child = bench.command(&["run", "p.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while !bench.path("out/net/checkpoint.safetensors").exists() {
        assert!(begun.elapsed() < std::time::Duration::from_mins(2), "no checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    bytes[400] ^= 1;
    std::fs::write(bench.path("a.nii"), &bytes).unwrap();
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    outcome.expect(3, &["a.nii", "the input changed while the run went on"]);
    bench.recon(&["verify", "out"]).expect(3, &["a.nii"]);
    bench.recon(&["run", "p.yaml", "--set", "reconstruct=[fbp]"]).expect(0, &[]);
    bench.recon(&["verify", "out"]).expect(0, &[]);
}

#[test]
fn row_25_file_names_cannot_forge_a_line_of_the_terminal() {
    let bench = Bench::new();
    let name = "a\nwarning: forged\u{202e}.nii";
    std::fs::write(bench.path(name), b"nothing").unwrap();
    let load = "{nifti: {path: \"a\\nwarning: forged\\u202e.nii\"}}";
    bench.write("p.yaml", &pipeline(load, "[fbp]", "dicom: {identity: keep}"));
    for outcome in [ends(&bench, &["info", name]), ends(&bench, &["run", "p.yaml"])] {
        let outcome = outcome.expect(3, &["forged"]);
        assert!(outcome.stderr.lines().all(|line| !line.starts_with("warning: forged")), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains('\u{202e}'));
    }
    let output = "o\nwarning: forged";
    let run = ends(&bench, &["run", TINY, "--set", "reconstruct=[fdk]", "--output", output]).expect(0, &[]);
    assert!(run.stdout.lines().all(|line| !line.starts_with("warning: forged")), "{}", run.stdout);
}

#[test]
fn row_30_a_changed_byte_in_anything_a_run_leaves_is_named() {
    let bench = Bench::new();
    let net = "reconstruct=[fdk, {name: net, neural_field: {field: {siren: {width: 8, depth: 2}}, steps: 2}}]";
    let args = ["run", TINY, "--output", "out", "--set", net, "--set", "export.volumes=[nifti, dicom]", "-q"];
    bench.recon(&args).expect(0, &[]);
    bench.recon(&["verify", "out"]).expect(0, &[]);
    let unnamed = ["manifest.json", ".cache/lock", ".cache/pipeline", "net/checkpoints.json"];
    let mut files = bench.files("out");
    files.push("log.jsonl".to_string());
    assert!(files.len() > 30, "{files:?}");
    for file in files.iter().filter(|file| !unnamed.contains(&file.as_str())) {
        let path = bench.path("out").join(file);
        let whole = std::fs::read(&path).unwrap();
        let mut spoiled = whole.clone();
        spoiled[whole.len() / 2] ^= 1;
        std::fs::write(&path, spoiled).unwrap();
        bench.recon(&["verify", "out"]).expect(3, &[file, "changed"]);
        std::fs::write(&path, whole).unwrap();
    }
    bench.recon(&["verify", "out"]).expect(0, &[]);
}
