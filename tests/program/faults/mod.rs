//! The fault matrix: each fault that a run can meet, by its row, as one test. A test's name begins with its row.
//!
//! | rows | file |
//! |---|---|
//! | 1 to 7: damaged and hostile files | `files` |
//! | 12, 13, 16, 17, 22: values, fits, signals, checkpoints, memory | `fits` |
//! | 11, 14, 23, 25, 30: paths, full disks, the run folder, what is shown, changed bytes | `folders` |
//! | 24: whose data it is | `identity` |
//!
//! Rows 5, 6, 8 and 9 (formats, series, mutations), 26 to 28 (what other readers make of our files) are tests of
//! `tests/formats`, row 10 (YAML) of `cli`, row 15 (killed runs) of `resume`, row 21 (devices) of `cli`, row 29 (bits)
//! of `tests/methods`.
#![cfg(unix)]

mod files;
mod fits;
mod folders;
mod identity;

use crate::common::{Bench, Outcome};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs `recon ARGS`, which must end by itself: a fault of many is to wait for ever.
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

/// Runs `recon ARGS` with so many kB of address space.
fn with_memory(bench: &Bench, kilobytes: u64, args: &[&str]) -> Outcome {
    let words: Vec<String> = args.iter().map(|word| format!("'{word}'")).collect();
    let script = format!("ulimit -v {kilobytes}; exec '{}' {}", env!("CARGO_BIN_EXE_recon"), words.join(" "));
    Outcome::from(Command::new("sh").args(["-c", &script]).current_dir(bench.path("")).output().unwrap())
}

/// A phantom as a NIfTI file that is not compressed, HU.
fn volume(bench: &Bench, name: &str) -> Vec<u8> {
    let phantom = concat!(env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan.yaml");
    bench.recon(&["phantom", phantom, "-o", "made.nii.gz", "--shape", "10,12,12"]).expect(0, &[]);
    let mut bytes = Vec::new();
    let packed = std::fs::File::open(bench.path("made.nii.gz")).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    std::fs::remove_file(bench.path("made.nii.gz")).unwrap();
    std::fs::write(bench.path(name), &bytes).unwrap();
    bytes
}

/// A pipeline that scans what `load` says by a few views, on a small grid.
fn pipeline(load: &str, reconstruct: &str, export: &str) -> String {
    format!(
        "load: {load}\ngrid: {{shape: [5, 6, 6]}}\n\
         simulate: {{geometry: {{parallel: {{views: 8, detector: {{pixels: [10, 20], pitch_mm: 12}}}}}}}}\n\
         reconstruct: {reconstruct}\nexport: {{directory: out, {export}}}\n"
    )
}
