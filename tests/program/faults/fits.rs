//! Rows 12, 13, 17 and 22 of the fault matrix: implausible values, fits that diverge, checkpoints, memory and threads.

use super::{ends, pipeline, volume, with_memory};
use crate::common::{Bench, TINY};
use std::process::Stdio;

const PHANTOM: &str = crate::common::SHEPP_LOGAN;

fn fit(keys: &str) -> String {
    let load = format!("{{phantom: {{file: {PHANTOM}}}}}");
    let net = format!("[{{name: net, neural_field: {{field: {{siren: {{width: 8, depth: 2}}}}, {keys}}}}}]");
    pipeline(&load, &net, "volumes: [nifti], report: [json]")
}

/// Returns the header of a checkpoint and its length in bytes.
fn header(checkpoint: &[u8]) -> (serde_json::Value, usize) {
    let length = u64::from_le_bytes(checkpoint[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&checkpoint[8..8 + length]).unwrap(), length)
}

/// Returns the phase of the fit of a checkpoint and the number of steps that are done in it.
fn reached(checkpoint: &[u8]) -> (String, u64) {
    let metadata = header(checkpoint).0["__metadata__"].clone();
    let text = |key: &str| metadata[key].as_str().unwrap().to_string();
    (text("phase"), text("step").parse().unwrap())
}

#[test]
fn row_12_numbers_that_are_no_hounsfield_units_are_told() {
    let bench = Bench::new();
    let mut bytes = volume(&bench, "a.nii");
    bytes[70..74].copy_from_slice(&[16, 0, 32, 0]);
    bytes.truncate(352);
    bytes.extend((0..1440).flat_map(|n| if n == 700 { 1e30f32 } else { -1000.0 }.to_le_bytes()));
    std::fs::write(bench.path("a.nii"), &bytes).unwrap();
    bench.write("p.yaml", &pipeline("{nifti: {path: a.nii}}", "[fbp]", "report: [json]"));
    bench.recon(&["run", "p.yaml"]).expect(0, &["1 voxels are beyond any CT number", "[implausible_hu]"]);
}

#[test]
fn row_13_a_fit_that_diverges_fails_and_its_report_says_so() {
    let bench = Bench::new();
    bench.write("p.yaml", &fit("steps: 60, optimizer: {adam: {rate: 1.0e+30}}"));
    ends(&bench, &["run", "p.yaml"]).expect(5, &["diverged"]);
    let report = bench.json("out/report.json");
    assert_eq!(report["status"], "failed");
    assert_eq!(report["methods"][0]["status"], "diverged", "{report}");
    assert!(report["methods"][0]["notes"]["reason"].as_str().unwrap().contains("diverged"));
    // The second run reports the same failure without repeating the fit.
    ends(&bench, &["run", "p.yaml"]).expect(5, &["diverged"]);
}

#[test]
fn row_17_a_fit_under_way_is_set_aside_with_the_keys_that_differ_and_threads_are_no_reason() {
    let bench = Bench::new();
    bench.write("p.yaml", &fit("steps: 100000, checkpoint_seconds: 0"));
    // Runs the program until its log holds `said`, then interrupts it; returns how it ended.
    let interrupted = |said: &str, more: &[&str]| {
        let args = [&["run", "p.yaml"], more].concat();
        let _ = std::fs::remove_file(bench.path("out/log.jsonl"));
        let child = bench.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = std::time::Instant::now();
        let log = || std::fs::read_to_string(bench.path("out/log.jsonl")).unwrap_or_default();
        while !log().contains(said) {
            assert!(begun.elapsed() < std::time::Duration::from_mins(2), "never said {said}: {}", log());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        crate::common::Outcome::from(child.wait_with_output().unwrap())
    };
    let checkpoint = bench.path("out/net/checkpoint.safetensors");
    interrupted("\"loss\"", &["--threads", "1"]).expect(130, &[]);
    let state = std::fs::read(&checkpoint).unwrap();
    // A run with another number of threads continues from the checkpoint.
    let words = ["[other_threads]", "begun on 1 threads, now on 2"];
    interrupted("\"loss\"", &["--threads", "2"]).expect(130, &words);
    let (before, after) = (reached(&state), reached(&std::fs::read(&checkpoint).unwrap()));
    assert!(after.0 != before.0 || after.1 > before.1, "the second run goes on: {before:?}, {after:?}");
    // With another setting the old state is set aside, with a message that names the keys that differ, until the new
    // fit has a state of its own.
    let other = ["--set", "reconstruct[net].neural_field.tv=0.5"];
    let told = "neural_field.tv was";
    interrupted("\"loss\"", &other).expect(130, &["[checkpoint_set_aside]", told]);
    assert!(!bench.path("out/net/aside").exists(), "the new fit has a state of its own");
}

#[test]
fn row_22_memory_that_runs_out_is_the_machines_fault() {
    let bench = Bench::new();
    let load = format!("{{phantom: {{file: {PHANTOM}}}}}");
    let text = pipeline(&load, "[tv: {weight: 2.0e-4, iterations: 2}]", "volumes: [nifti], report: [json]");
    bench.write("p.yaml", &text.replace("[5, 6, 6]", "[256, 256, 256]"));
    let outcome = with_memory(&bench, 900_000, &["run", "p.yaml", "-q", "--threads", "1"]).expect(5, &["memory"]);
    assert!(!outcome.stderr.contains("bug"), "{}", outcome.stderr);
}

#[test]
fn row_22_a_check_takes_no_memory_for_an_absurd_lattice() {
    let bench = Bench::new();
    let load = format!("{{phantom: {{file: {PHANTOM}}}}}");
    let text = pipeline(&load, "[fbp]", "volumes: [nifti]");
    bench.write("p.yaml", &text.replace("[5, 6, 6]", "[8, 1000000, 8]"));
    with_memory(&bench, 900_000, &["check", "p.yaml", "--threads", "1"]).expect(0, &[]);
}

#[test]
fn row_22_thousands_of_threads_are_capped_with_a_word() {
    let bench = Bench::new();
    ends(&bench, &["check", TINY, "--threads", "2000"]).expect(0, &["[threads_capped]", "2000 threads on"]);
}

#[test]
fn row_17_a_checkpoint_with_impossible_metadata_is_damaged() {
    let bench = Bench::new();
    bench.write("p.yaml", &fit("steps: 2"));
    bench.recon(&["run", "p.yaml", "-q"]).expect(0, &[]);
    let bytes = std::fs::read(bench.path("out/net/checkpoint.safetensors")).unwrap();
    let (header, length) = header(&bytes);
    let render = |key: &str, value: &str| {
        let mut header = header.clone();
        header["__metadata__"][key] = value.into();
        let text = header.to_string();
        let spoiled = [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &bytes[8 + length..]].concat();
        std::fs::write(bench.path("bad.safetensors"), spoiled).unwrap();
        ends(&bench, &["render", "bad.safetensors", "-o", "r.nii"])
    };
    let grid = header["__metadata__"]["grid"].as_str().unwrap();
    render("grid", grid).expect(0, &[]);
    let read: serde_json::Value = serde_json::from_str(grid).unwrap();
    for (place, value) in [
        ("/shape/0", serde_json::json!(0)),
        ("/shape/0", serde_json::json!(1u64 << 40)),
        ("/spacing/1", serde_json::json!(-1.0)),
        ("/axes/0/2", serde_json::json!(0.5)),
    ] {
        let mut spoiled = read.clone();
        *spoiled.pointer_mut(place).unwrap() = value;
        render("grid", &spoiled.to_string()).expect(3, &["bad.safetensors"]);
    }
    for (key, value) in [("mu_ref", "NaN"), ("mu_water", "-1"), ("config", "{}x"), ("members", "many")] {
        render(key, value).expect(3, &["bad.safetensors"]);
    }
    let config = header["__metadata__"]["config"].as_str().unwrap();
    let mut config: serde_json::Value = serde_json::from_str(config).unwrap();
    config["chunk"] = 0.into();
    render("config", &config.to_string()).expect(3, &["bad.safetensors", "chunk"]);
}
