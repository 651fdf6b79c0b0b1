//! Tests of the fault matrix, a numbered list of the faults that a run can meet. The name of a test begins with the
//! number of its row.
//!
//! | rows | file |
//! |---|---|
//! | 1, 2, 6, 7: damaged and hostile files | `files` |
//! | 12, 13, 17, 22: values, fits, checkpoints, memory, threads | `fits` |
//! | 11, 23, 25, 30: links, the run folder, what is shown, changed bytes | `folders` |
//! | 24: the identity of the patient | `identity` |
//!
//! Other tests cover further rows: `tests/formats` rows 5, 6, 8 and 9 (formats, series, random damage) and 26 to 28
//! (what other readers make of recon's files), `cli` rows 10 (YAML) and 21 (devices), `batch_disk` row 14 (full disks),
//! `resume` rows 15 and 16 (killed runs, signals), and `tests/methods` row 29 (the same bits).
#![cfg(unix)]

mod files;
mod fits;
mod folders;
mod identity;

use crate::common::{Bench, Outcome};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs `recon ARGS`; fails if it does not end within two minutes, because many faults can make a program wait forever.
fn ends(bench: &Bench, args: &[&str]) -> Outcome {
    let mut child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_mins(2) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("recon {args:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Outcome::from(child.wait_with_output().unwrap())
}

/// Runs `recon ARGS` with at most `kilobytes` kB of address space.
fn with_memory(bench: &Bench, kilobytes: u64, args: &[&str]) -> Outcome {
    let words: Vec<String> = args.iter().map(|word| format!("'{word}'")).collect();
    let script = format!("ulimit -v {kilobytes}; exec '{}' {}", env!("CARGO_BIN_EXE_recon"), words.join(" "));
    Outcome::from(Command::new("sh").args(["-c", &script]).current_dir(bench.path("")).output().unwrap())
}

/// Writes a phantom as a NIfTI file in HU that is not compressed; returns its bytes.
fn volume(bench: &Bench, name: &str) -> Vec<u8> {
    let phantom = crate::common::SHEPP_LOGAN;
    bench.recon(&["phantom", phantom, "-o", "made.nii.gz", "--shape", "10,12,12"]).expect(0, &[]);
    let mut bytes = Vec::new();
    let packed = std::fs::File::open(bench.path("made.nii.gz")).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    std::fs::remove_file(bench.path("made.nii.gz")).unwrap();
    std::fs::write(bench.path(name), &bytes).unwrap();
    bytes
}

/// Returns a pipeline that simulates a few views of the object that `load` names, on a small grid.
fn pipeline(load: &str, reconstruct: &str, export: &str) -> String {
    format!(
        "load: {load}\ngrid: {{shape: [5, 6, 6]}}\n\
         simulate: {{geometry: {{parallel: {{views: 8, detector: {{pixels: [10, 20], pitch_mm: 12}}}}}}}}\n\
         reconstruct: {reconstruct}\nexport: {{directory: out, {export}}}\n"
    )
}
