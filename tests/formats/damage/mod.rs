//! Damaged files: every truncation, every byte of a header changed, and random damage by seed, for small seeds of every
//! format. Any answer will do but a panic, an error that is not the input's, or more time and memory than a small file
//! deserves.
//!
//! `RECON_DAMAGE=N` (`make fuzz N=...`) makes N random inputs of each seed instead of a few. A damaged file that fails
//! is kept, and named.

mod mutator;
mod readers;
mod seeds;
mod tally;

use crate::support::folder;
use mutator::Mutator;
use seeds::Seed;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tally::Tally;

/// Random inputs of each seed where nothing else is said.
const FEW: usize = 150;
const CHILD: &str = "RECON_DAMAGE_FOLDER";

#[test]
fn no_damage_to_a_volume_panics() {
    alone("damage::no_damage_to_a_volume_panics", seeds::volumes);
}

#[test]
fn no_damage_to_a_dicom_file_panics() {
    alone("damage::no_damage_to_a_dicom_file_panics", seeds::dicom);
}

#[test]
fn no_damage_to_a_measurement_a_scan_or_a_pipeline_panics() {
    alone("damage::no_damage_to_a_measurement_a_scan_or_a_pipeline_panics", seeds::others);
}

/// Runs `test` again in a process of its own: what kills it is a failure of the test, and its memory can be measured.
fn alone(test: &str, seeds: fn(&Path) -> Vec<Seed>) {
    if let Some(place) = std::env::var_os(CHILD) {
        let made = folder();
        return damage(&PathBuf::from(place), &seeds(made.path()));
    }
    let folder = folder();
    let program = std::env::current_exe().unwrap();
    let run = Command::new(program).args(["--exact", test, "--nocapture"]).env(CHILD, folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    for line in said.lines().filter(|line| line.starts_with("damage: ")) {
        // Past the capture of test output: the counts should be seen.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    if !run.status.success() {
        let kept = folder.keep();
        let errors = String::from_utf8_lossy(&run.stderr);
        panic!("{}; the last input is in {}\n{said}\n{errors}", run.status, kept.display());
    }
}

/// Damages every seed in every way, in `folder`.
fn damage(folder: &Path, seeds: &[Seed]) {
    let random = std::env::var("RECON_DAMAGE").ok().and_then(|n| n.parse().ok()).unwrap_or(FEW);
    // Within a pool of one, parallel loops over next to nothing cost nothing, and one clock sees all the work.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let failures = pool.install(|| {
        tally::hush_panics();
        let mut failures = Vec::new();
        let mut all = Tally::default();
        for (number, seed) in seeds.iter().enumerate() {
            let tally = damage_one(&folder.join(number.to_string()), seed, random, number as u64);
            if random > FEW || !tally.failures.is_empty() {
                println!("damage: {:40} {tally}", seed.name);
            }
            failures.extend(tally.failures.iter().cloned());
            all.add(&tally);
        }
        println!("damage: {:40} {all}", "all");
        drop(std::panic::take_hook());
        failures
    });
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn damage_one(folder: &Path, seed: &Seed, random: usize, number: u64) -> Tally {
    std::fs::create_dir_all(folder).unwrap();
    for (name, bytes) in &seed.files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let (name, whole) = &seed.files[seed.target];
    let target = folder.join(name);
    let asked = seed.asked.as_ref().map_or_else(|| target.clone(), |name| folder.join(name));
    let mut tally = Tally::begin();
    let mut check = |bytes: &[u8], what: &dyn Fn() -> String| {
        // A new file each time: file systems flush one that is emptied and written again.
        let _ = std::fs::remove_file(&target);
        std::fs::write(&target, bytes).unwrap();
        if tally.measure(seed, &asked, what) {
            let kept = folder.with_extension(format!("failed-{}", tally.failures.len()));
            std::fs::write(kept, bytes).unwrap();
        }
    };
    for &place in &seed.flips {
        let mut bytes = whole.clone();
        // One bit of every byte, and its extremes in turn.
        for value in [whole[place] ^ 0x80, [whole[place] ^ 1, 0, 0xff][place % 3]] {
            bytes[place] = value;
            check(&bytes, &|| format!("byte {place} = {value}"));
        }
    }
    for &place in &seed.cuts {
        check(&whole[..place], &|| format!("cut at {place}"));
    }
    let mut mutator = Mutator::new(number);
    for round in 0..random / seed.cost {
        check(&mutator.damage(whole), &|| format!("random damage {round} of seed {number}"));
    }
    tally
}
