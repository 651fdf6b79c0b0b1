//! Tests of `recon batch` when the disk is full: the task that does not fit fails with its reason, the others go on, no
//! result is half published, and `--resume` does what is missing with the same bits.
#![cfg(unix)]

use crate::common::{Bench, TINY, skipped};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// Writes a study of four cases, of which `big` makes 9 MB of projections and the others 18 kB.
fn study(bench: &Bench, resources: &str) {
    bench.write("cases.csv", "case,simulate.geometry.cone.detector.pixels\na,\nb,\nbig,\"[512, 512]\"\nc,\n");
    let text = format!(
        "pipeline: {TINY}\nset: ['grid.shape=[12, 12, 12]', 'reconstruct=[fdk]', simulate.geometry.cone.views=9, \
         'export={{volumes: [nifti], report: [json]}}', threads=1]\ncases: [csv: {{file: cases.csv}}]\n\
         retry: {{attempts: 2, heartbeat_s: 0.3}}\nresources: {{{resources}}}\n"
    );
    bench.write("s.yaml", &text);
}

const SUBMIT: [&str; 5] = ["batch", "submit", "s.yaml", "--output", "out"];

fn resumed(more: &[&'static str]) -> Vec<&'static str> {
    [&SUBMIT[..], &["--resume"], more].concat()
}

fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    let whole = Bench::new();
    study(&whole, "");
    whole.recon(&SUBMIT).expect(0, &["table.html"]);
    whole.arrays()
}

/// Checks the state after `big` did not fit: it is named with its reason, the others are whole, nothing is half done.
fn big_alone_has_failed(bench: &Bench, why: &str) {
    let status: Value =
        serde_json::from_str(&bench.recon(&["batch", "status", "out", "--json"]).expect(0, &[]).stdout).unwrap();
    assert_eq!((&status["done"], &status["failed"], &status["begun"]), (&3.into(), &1.into(), &0.into()), "{status}");
    let failure = &status["failures"][0];
    assert_eq!((&failure["task"], &failure["exit_code"]), (&"big".into(), &5.into()));
    assert!(failure["reason"].as_str().unwrap().contains(why), "{failure}");
    assert_eq!(bench.json("out/state/big/failed.json")["failures"], 2, "what a disk has done is tried again");
    assert!(bench.files("out").iter().all(|file| !file.contains(".partial")), "{:?}", bench.files("out"));
    assert!(!bench.path("out/cases/big").exists());
}

#[test]
fn a_task_whose_file_does_not_fit_fails_alone_and_is_all_that_is_done_again() {
    let bench = Bench::new();
    // A limit on the size of a file cuts a write short, as a full disk does.
    let script = "trap '' XFSZ; ulimit -f 256; exec \\\"$0\\\" \\\"$@\\\"";
    study(&bench, &format!("program: [sh, -c, \"{script}\", '{}']", env!("CARGO_BIN_EXE_recon")));
    bench.recon(&SUBMIT).expect(4, &["3 of 4 tasks are done, 1 failed", "big: ", "File too large"]);
    big_alone_has_failed(&bench, "File too large");
    let others = bench.arrays();
    study(&bench, "");
    let plan = bench.recon(&resumed(&["--dry-run"])).expect(0, &[]);
    assert!(plan.stdout.starts_with("1 of 4 tasks in 1 elements"), "{}", plan.stdout);
    bench.recon(&resumed(&[])).expect(0, &["table.html"]);
    let found = bench.arrays();
    assert!(others.iter().all(|(name, bytes)| found[name] == *bytes), "what was done is left alone");
    assert!(found == undisturbed());
}

/// A file system in memory, which is unmounted when the value is dropped.
struct Disk(PathBuf);

impl Disk {
    /// Mounts a file system of `kilobytes` kB. Where this process may not mount one, prints the name of the test and
    /// returns `None`.
    fn new(test: &str, path: PathBuf, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let disk = Self(path);
        let mounted = disk.mount(&format!("size={kilobytes}k"));
        if !mounted {
            skipped(test, "root, to mount a tmpfs");
        }
        mounted.then_some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.0).output();
        mount.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_disk_that_fills_fails_the_task_that_fills_it_and_a_full_one_is_told() {
    let bench = Bench::new();
    let test = "batch_disk::a_disk_that_fills_fails_the_task_that_fills_it_and_a_full_one_is_told";
    let Some(disk) = Disk::new(test, bench.path("out"), 4000) else { return };
    study(&bench, "");
    bench.recon(&SUBMIT).expect(4, &["3 of 4 tasks are done, 1 failed", "big: ", "No space left"]);
    big_alone_has_failed(&bench, "No space left");

    // Without one free byte no state can be written; the program must still not hang, crash or lose a result.
    let mut filler = std::fs::File::create(bench.path("out/filler")).unwrap();
    while std::io::Write::write_all(&mut filler, &[0; 1 << 12]).is_ok() {}
    let outcome = bench.recon(&resumed(&[]));
    assert!([4, 5].contains(&outcome.code) && outcome.stderr.contains("No space left"), "{outcome:#?}");
    assert!(!outcome.stderr.contains("bug in recon"), "{outcome:#?}");
    std::fs::remove_file(bench.path("out/filler")).unwrap();
    assert!(disk.mount("remount,size=64m"));
    bench.recon(&resumed(&[])).expect(0, &["table.html"]);
    assert!(bench.arrays() == undisturbed());
}
