//! Tests of the readers on damaged files: every truncation, every byte of a header changed, and random damage by seed,
//! for small files of every format. A reader may return a value or an input error. A panic, another error, and more
//! time or memory than a small file justifies are failures.
//!
//! `RECON_DAMAGE=N` (`make fuzz N=...`) makes N random inputs of each file instead of [`FEW`]. A damaged file that
//! fails is kept, and its folder is printed.

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

/// Default number of random inputs of each seed file.
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

/// Runs `test` again in a child process, so that a crash is a failure of this test and the memory can be measured.
fn alone(test: &str, seeds: fn(&Path) -> Vec<Seed>) {
    if let Some(place) = std::env::var_os(CHILD) {
        let made = folder();
        return damage(&PathBuf::from(place), &seeds(made.path()));
    }
    let folder = folder();
    let program = std::env::current_exe().unwrap();
    let run = Command::new(program).args(["--exact", test, "--nocapture"]).env(CHILD, folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let errors = String::from_utf8_lossy(&run.stderr);
    for line in said.lines().filter(|line| line.starts_with("damage: ")) {
        // Writes to stderr directly, which the test harness does not capture: a reader should see the counts.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    if !run.status.success() {
        let kept = folder.keep();
        panic!("{}; the last input is in {}\n{said}\n{errors}", run.status, kept.display());
    }
    // With a name that does not exist the harness runs no test and succeeds.
    assert!(said.contains("damage: all"), "the child ran no test: {said}\n{errors}");
}

/// Damages every seed file in every way, in `folder`; fails after all of them if any input has failed.
fn damage(folder: &Path, seeds: &[Seed]) {
    let random = std::env::var("RECON_DAMAGE").ok().and_then(|n| n.parse().ok()).unwrap_or(FEW);
    // With one thread, parallel loops over a few elements take no time to synchronise, and the clock of this thread
    // measures all the work.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut all = Tally::begin();
    let failures = pool.install(|| {
        tally::hush_panics();
        let mut failures = Vec::new();
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
    assert!(all.seconds > 0.0, "the kernel counted no processor time, so that no input could be too slow");
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
    tally.undamaged(seed, &asked);
    let mut check = |bytes: &[u8], what: &dyn Fn() -> String| {
        // The file is removed first, because file systems flush a file that is truncated and written again.
        let _ = std::fs::remove_file(&target);
        std::fs::write(&target, bytes).unwrap();
        if tally.measure(seed, &asked, what) {
            let kept = folder.with_extension(format!("failed-{}", tally.failures.len()));
            std::fs::write(kept, bytes).unwrap();
        }
    };
    for &place in &seed.flips {
        let mut bytes = whole.clone();
        // The highest bit of every byte is flipped; in addition, by position in turn, the lowest bit is flipped or the
        // byte is set to 0 or to 255.
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
