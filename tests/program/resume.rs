//! Tests of runs that are stopped or killed: the next run ends with the bits of a run without interruption.
#![cfg(unix)]

use crate::common::{Bench, Outcome, TINY};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Returns the arguments of the tiny pipeline with a fit that takes `steps` steps on the data after some of regression,
/// with a checkpoint at each step.
fn fit(steps: &str) -> Vec<String> {
    fit_that_saves(steps, "0")
}

/// As [`fit`], with a checkpoint every so many seconds.
fn fit_that_saves(steps: &str, seconds: &str) -> Vec<String> {
    let small = "field: {siren: {width: 16, depth: 2}}, start: {tv: {iterations: 10}, steps: 20, batch: 512}";
    let reconstruct = format!(
        "reconstruct=[{{name: siren, neural_field: {{{small}, steps: {steps}, checkpoint_seconds: {seconds}}}}}]"
    );
    ["run", TINY, "--set", &reconstruct, "--set", "export.volumes=[nifti]", "--output"].map(str::to_string).to_vec()
}

fn args<'a>(fit: &'a [String], output: &'a str) -> Vec<&'a str> {
    fit.iter().map(String::as_str).chain([output]).collect()
}

fn start(bench: &Bench, fit: &[String], output: &str) -> Child {
    let child = bench.command(&args(fit, output)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&bench.path(output).join("siren/checkpoint.safetensors"));
    child
}

fn wait_for(path: &Path) {
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_mins(2), "{} did not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the log tells of a step of the fit to the data.
fn wait_for_fit(log: &Path) {
    let begin = Instant::now();
    let text = || std::fs::read_to_string(log).unwrap_or_default();
    while !text().contains("\"event\":\"step\",\"task\":\"siren: fit\"") {
        assert!(begin.elapsed() < Duration::from_mins(2), "no step of the fit: {}", text());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let done =
        std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

fn ended(child: Child) -> Outcome {
    Outcome::from(child.wait_with_output().unwrap())
}

#[test]
fn a_run_killed_in_the_middle_of_a_fit_ends_with_the_same_bits() {
    let bench = Bench::new();
    let fit = fit("200");
    bench.recon(&args(&fit, "whole")).expect(0, &[]);
    for delay in [0, 200, 500] {
        let mut child = start(&bench, &fit, "killed");
        std::thread::sleep(Duration::from_millis(delay));
        assert!(child.try_wait().unwrap().is_none(), "the fit ended within {delay} ms");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!bench.path("killed/report.json").exists(), "the fit ended within {delay} ms");
    }
    bench.recon(&args(&fit, "killed")).expect(0, &[]);
    for file in ["siren/volume.nii.gz", "truth.nii.gz", "projections.npy", "geometry.json"] {
        let read = |run: &str| std::fs::read(bench.path(run).join(file)).unwrap();
        assert_eq!(read("killed"), read("whole"), "{file}");
    }
    assert!(bench.files("killed").iter().all(|file| !file.contains(".partial")));
    bench.recon(&["verify", "killed"]).expect(0, &[]);
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before_and_the_bits_stay() {
    let bench = Bench::new();
    let fit = fit("40");
    bench.recon(&args(&fit, "whole")).expect(0, &[]);
    let mut child = start(&bench, &fit, "damaged");
    wait_for(&bench.path("damaged/siren/checkpoint.previous.safetensors"));
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::write(bench.path("damaged/siren/checkpoint.safetensors"), b"not what was written").unwrap();
    bench.recon(&args(&fit, "damaged")).expect(0, &["[checkpoint_skipped]"]);
    let read = |run: &str| std::fs::read(bench.path(run).join("siren/volume.nii.gz")).unwrap();
    assert_eq!(read("damaged"), read("whole"));
}

#[test]
fn signals_checkpoint_report_and_end_with_their_codes() {
    for (name, code, said) in [("INT", 130, "interrupted"), ("TERM", 143, "terminated"), ("USR1", 75, "time limit")] {
        let bench = Bench::new();
        // No checkpoint is due for an hour, so that the one that is found afterwards was written because of the signal.
        let fit = fit_that_saves("100000", "3600");
        let child = bench.command(&args(&fit, "out")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for_fit(&bench.path("out/log.jsonl"));
        let checkpoint = bench.path("out/siren/checkpoint.safetensors");
        assert!(!checkpoint.exists(), "{name}: a checkpoint before the signal");
        signal(&child, name);
        ended(child).expect(code, &[said, "run the same command to continue"]);
        assert!(checkpoint.exists(), "{name}: no checkpoint after the signal");
        let report = bench.json("out/report.json");
        assert_eq!(
            (report["status"].as_str(), report["methods"][0]["status"].as_str()),
            (Some("interrupted"), Some("interrupted")),
            "{name}"
        );
    }
}

#[test]
fn a_second_process_in_the_same_folder_is_told_who_is_there() {
    let bench = Bench::new();
    let fit = fit("100000");
    let mut child = start(&bench, &fit, "out");
    bench.recon(&args(&fit, "out")).expect(5, &[&child.id().to_string(), "--output"]);
    child.kill().unwrap();
    child.wait().unwrap();
    bench.recon(&["run", TINY, "--set", "reconstruct=[fdk]", "--output", "out"]).expect(0, &[]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_fit_spins_briefly_in_the_process_that_was_started_unless_the_environment_says_otherwise() {
    let bench = Bench::new();
    let fit = fit("100000");
    for (said, expected) in [(None, "GOMP_SPINCOUNT=5000"), (Some("77"), "GOMP_SPINCOUNT=77")] {
        let mut command = bench.command(&args(&fit, expected));
        command
            .env_remove("GOMP_SPINCOUNT")
            .env_remove("OMP_WAIT_POLICY")
            .envs(said.map(|count| ("GOMP_SPINCOUNT", count)));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for(&bench.path(expected).join("siren/checkpoint.safetensors"));
        let environment = std::fs::read(format!("/proc/{}/environ", child.id())).unwrap();
        let found = environment.split(|&byte| byte == 0).any(|entry| entry == expected.as_bytes());
        signal(&child, "TERM");
        ended(child).expect(143, &[]);
        assert!(found, "no {expected}");
    }
}
