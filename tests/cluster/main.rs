//! Studies on a real SLURM of two nodes on this host (slurm.sh): what happens when tasks, nodes and the controller are
//! killed. Skipped by name unless RECON_TEST_SLURM=1, and without SLURM or root. One test at a time: they share ports.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; helpers are tests too")]

#[path = "../common/mod.rs"]
mod common;

use common::Bench;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/slurm.sh");
const STUDY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/study.yaml");
static ALONE: Mutex<()> = Mutex::new(());

/// A running SLURM, and a folder with a study.
struct Site {
    bench: Bench,
    slurm: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Site {
    /// `None`, said by name, where there is no SLURM to start.
    fn start(test: &str, study: &str) -> Option<Self> {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let has =
            |name: &str| Command::new(name).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let asked = std::env::var("RECON_TEST_SLURM").is_ok_and(|value| value == "1");
        if !asked || !root || !has("slurmctld") || !has("slurmd") || !has("munge") {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: {test}: needs RECON_TEST_SLURM=1, root, slurmctld, slurmd, munge"
            );
            return None;
        }
        let bench = Bench::new();
        bench.write("s.yaml", &format!("{study}\nresources: {{time: '10', cpus: 1, memory: 1G}}\n"));
        let slurm = bench.path("slurm");
        let site = Self { bench, slurm, _alone: alone };
        assert!(site.script("start").success(), "SLURM did not start");
        Some(site)
    }

    fn script(&self, verb: &str) -> std::process::ExitStatus {
        let null = Stdio::null();
        Command::new("sh").args([SCRIPT, verb]).arg(&self.slurm).stdout(null).status().unwrap()
    }

    fn tool(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        let output = command.args(args).env("SLURM_CONF", self.slurm.join("slurm.conf")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn recon(&self, args: &[&str]) -> common::Outcome {
        let output = self.bench.command(args).env("SLURM_CONF", self.slurm.join("slurm.conf")).output().unwrap();
        common::Outcome::from(output)
    }

    fn submit(&self, more: &[&str]) -> common::Outcome {
        let args = ["batch", "submit", "s.yaml", "--engine", "slurm", "--output", "out"];
        self.recon(&[&args[..], more].concat())
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.recon(&["batch", "status", "out", "--json"]).expect(0, &[]).stdout).unwrap()
    }

    /// Waits until this is true of the status.
    fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let begin = Instant::now();
        loop {
            let status = self.status();
            if wanted(&status) {
                return;
            }
            assert!(
                begin.elapsed() < Duration::from_mins(5),
                "{what}: {status}\n{}",
                self.tool("squeue", &["-t", "all"])
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Waits until the last job has made the table; what it says.
    fn table(&self) -> String {
        let (path, begin) = (self.bench.path("out/table.md"), Instant::now());
        while !path.exists() {
            assert!(begin.elapsed() < Duration::from_mins(5), "{}", self.tool("squeue", &["-t", "all"]));
            std::thread::sleep(Duration::from_millis(200));
        }
        std::fs::read_to_string(path).unwrap()
    }

    /// Processes of tasks of this study.
    fn tasks(&self) -> Vec<u32> {
        let study = self.bench.path("out").canonicalize().unwrap().display().to_string();
        let words = |pid: u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let ours = |pid: &u32| {
            let words = String::from_utf8_lossy(&words(*pid)).into_owned();
            let words: Vec<&str> = words.split('\0').collect();
            words.contains(&"task") && words.contains(&study.as_str())
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(ours).collect()
    }

    fn wait_for_tasks(&self, count: usize) -> Vec<u32> {
        let begin = Instant::now();
        loop {
            let found = self.tasks();
            if found.len() >= count {
                return found;
            }
            assert!(begin.elapsed() < Duration::from_mins(2), "{}", self.tool("squeue", &["-t", "all"]));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.tool("scancel", &["--me"]);
        self.script("stop");
        std::thread::sleep(Duration::from_secs(2));
        self.tasks().into_iter().for_each(|pid| kill("9", &pid.to_string()));
    }
}

fn kill(signal: &str, pid: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), pid.trim()]).stderr(Stdio::null()).status();
}

/// The study of the tests with so many seeds of three methods each.
fn study(seeds: usize) -> String {
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny.yaml");
    let text = std::fs::read_to_string(STUDY).unwrap();
    text.replace("tiny.yaml", tiny).replace("count: 8", &format!("count: {seeds}"))
}

/// The arrays of every finished task, by name.
fn arrays(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let array = |file: &String| Path::new(file).extension().is_some_and(|kind| kind == "gz" || kind == "npy");
    let files = bench.files("out/cases").into_iter().filter(array);
    files.map(|file| (file.clone(), std::fs::read(bench.path("out/cases").join(file)).unwrap())).collect()
}

/// What the same study gives on this machine, undisturbed.
fn undisturbed(study: &str) -> BTreeMap<String, Vec<u8>> {
    let bench = Bench::new();
    bench.write("s.yaml", study);
    bench.recon(&["batch", "submit", "s.yaml", "--parallel", "2", "--output", "out"]).expect(0, &[]);
    arrays(&bench)
}

#[test]
fn an_array_of_24_and_the_job_that_collects() {
    let text = study(8);
    let Some(site) = Site::start("an_array_of_24_and_the_job_that_collects", &text) else { return };
    site.submit(&[]).expect(0, &["batch status"]);
    assert!(site.table().contains("24 of 24 tasks are done, 0 failed"));
    assert!(arrays(&site.bench) == undisturbed(&text), "the bits are those of this machine's processes");
    assert!(site.submit(&["--resume"]).expect(0, &[]).code == 0);
}

#[test]
fn tasks_and_the_controller_are_killed_and_only_what_is_missing_is_submitted_again() {
    let text = study(3);
    let Some(site) = Site::start("tasks_and_the_controller_are_killed", &text) else { return };
    site.submit(&[]).expect(0, &[]);
    site.wait_for_tasks(2).into_iter().take(2).for_each(|pid| kill("9", &pid.to_string()));
    let pid = std::fs::read_to_string(site.slurm.join("slurmctld.pid")).unwrap();
    kill("9", &pid);
    std::thread::sleep(Duration::from_secs(1));
    let status = site.status();
    assert!(status["scheduler_unknown"].is_string() && status["failed"] == 0, "{status}");
    site.submit(&["--resume"]).expect(5, &["none was submitted"]);
    site.tool("slurmctld", &[]);
    site.until("all that was not killed ends", |status| {
        status["scheduler_unknown"].is_null() && status["running"] == 0 && status["queued"] == 0
    });
    let done = site.status()["done"].as_u64().unwrap();
    let again = site.submit(&["--resume"]).expect(0, &[]);
    if done < 9 {
        assert!(again.stdout.starts_with("jobs "), "{again:?}");
        let script = std::fs::read_to_string(site.bench.path("out/array-0.sh")).unwrap();
        let elements = script.lines().find_map(|line| line.strip_prefix("#SBATCH --array=")).unwrap();
        assert!(elements != "0-8", "only what is missing: {elements}");
    }
    site.until("all is done", |status| status["done"] == 9);
    assert!(arrays(&site.bench) == undisturbed(&text));
}

#[test]
fn a_warning_requeues_a_task_that_goes_on_and_a_node_that_is_down_leaves_one_result() {
    let text = study(1);
    let Some(site) = Site::start("a_warning_requeues_a_task_and_a_node_goes_down", &text) else { return };
    site.submit(&[]).expect(0, &[]);
    let job = site.tool("squeue", &["-h", "-o", "%F"]).lines().next().unwrap().trim().to_string();
    site.wait_for_tasks(1);
    // Whichever still run: the fits do, and are the last of the array.
    site.tool("scancel", &["--signal=USR1", "--batch", &format!("{job}_2")]);
    let pid = std::fs::read_to_string(site.slurm.join("slurmd.n1.pid")).unwrap();
    kill("9", &pid);
    site.tool("scontrol", &["update", "nodename=n1", "state=down", "reason=test"]);
    // A requeued job waits two minutes unless it is told not to.
    site.until("all is done", |status| {
        for element in 0..3 {
            site.tool("scontrol", &["update", &format!("JobId={job}_{element}"), "StartTime=now"]);
        }
        status["done"] == 3
    });
    assert!(arrays(&site.bench) == undisturbed(&text));
    let cases = std::fs::read_dir(site.bench.path("out/cases")).unwrap().count();
    assert_eq!((cases, site.bench.files("out/work").len()), (3, 0));
}

#[test]
fn a_bad_case_is_named_by_the_job_that_collects_and_a_cancelled_study_goes_on_later() {
    let text = study(2);
    let bad = text.replace("- seeds: {count: 2, key: seed}", "- seeds: {count: 2, key: seed}\n- csv: {file: bad.csv}");
    let Some(site) = Site::start("a_bad_case_is_named_and_a_cancelled_study_goes_on", &bad) else { return };
    site.bench.write("bad.csv", "case,load.phantom.file\nbad,nowhere.yaml\n");
    site.submit(&[]).expect(0, &[]);
    site.wait_for_tasks(1);
    site.recon(&["batch", "cancel", "out"]).expect(0, &[]);
    site.until("nothing runs", |status| status["running"] == 0 && status["queued"] == 0);
    assert!(site.status()["done"].as_u64().unwrap() < 6);
    let _ = std::fs::remove_file(site.bench.path("out/table.md"));
    site.submit(&["--resume"]).expect(0, &[]);
    let table = site.table();
    assert!(table.contains("6 of 9 tasks are done, 3 failed") && table.contains("nowhere.yaml"), "{table}");
    site.recon(&["batch", "collect", "out"]).expect(4, &["bad_method-fdk"]);
}
