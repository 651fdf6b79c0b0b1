//! A running SLURM with a study, and the questions that the tests ask about it.

use crate::common::{Bench, Outcome, skipped};
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/slurm.sh");
const STUDY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/study.yaml");
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny.yaml");
/// Shell code that each element of an array runs first.
const HOLD: &str = "while [ -e hold ]; do sleep 0.1; done";
/// Longest time that a test waits for an event; the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(6);
/// Clusters that no test uses at present.
static IDLE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Names of files with their bytes.
pub(crate) type Arrays = BTreeMap<String, Vec<u8>>;

/// A running SLURM, and a folder with a study.
pub(crate) struct Site {
    pub(crate) bench: Bench,
    pub(crate) slurm: PathBuf,
    /// Whether a daemon was killed, so that the next test gets a new cluster.
    spoiled: Cell<bool>,
    /// When [`Site::hurry`] last ran; it does not run often, because SLURM's programs take processor time.
    hurried: Cell<Instant>,
    test: String,
    begin: Instant,
}

impl Site {
    /// Starts a cluster, or takes one that another test has left. Where SLURM cannot be started, prints the name of the
    /// test and returns `None`.
    pub(crate) fn start(test: &str, study: &str) -> Option<Self> {
        let has =
            |name: &str| Command::new(name).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let asked = std::env::var("RECON_TEST_SLURM").is_ok_and(|value| value == "1");
        if !asked || !root || !has("slurmctld") || !has("slurmd") || !has("munge") {
            skipped(&format!("cluster::{test}"), "RECON_TEST_SLURM=1, root, slurmctld, slurmd, munge");
            return None;
        }
        let bench = Bench::new();
        bench.write("s.yaml", study);
        // One cluster starts at a time, because the first one also starts munged.
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let slurm = idle.pop().unwrap_or_else(new_cluster);
        let begin = Instant::now();
        let (spoiled, hurried) = (Cell::new(false), Cell::new(begin));
        Some(Self { bench, slurm, spoiled, hurried, test: test.to_string(), begin })
    }

    /// Kills the daemon of SLURM whose process number is in the file `name`.
    pub(crate) fn kill_daemon(&self, name: &str) {
        self.spoiled.set(true);
        kill("9", &std::fs::read_to_string(self.slurm.join(name)).unwrap());
    }

    /// Returns whether the nodes have GPUs to count.
    pub(crate) fn has_gpus(&self) -> bool {
        self.slurm.join("gres.conf").exists()
    }

    /// Waits until the controller has written its present state.
    pub(crate) fn wait_for_state(&self) {
        let (begin, path) = (Instant::now(), self.slurm.join("state/job_state"));
        let asked = SystemTime::now();
        while !path.metadata().is_ok_and(|found| found.modified().unwrap() > asked) {
            assert!(begin.elapsed() < PATIENCE, "{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns what a tool of SLURM prints.
    pub(crate) fn tool(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        let output = command.args(args).env("SLURM_CONF", self.slurm.join("slurm.conf")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `recon ARGS`; the folder `tools`, if there is one, comes before SLURM's own programs.
    pub(crate) fn recon(&self, args: &[&str]) -> Outcome {
        let path = format!("{}:{}", self.bench.path("tools").display(), std::env::var("PATH").unwrap());
        let mut command = self.bench.command(args);
        let command = command.env("SLURM_CONF", self.slurm.join("slurm.conf")).env("PATH", path);
        Outcome::from(command.output().unwrap())
    }

    pub(crate) fn submit(&self, more: &[&str]) -> Outcome {
        let args = ["batch", "submit", "s.yaml", "--engine", "slurm", "--output", "out"];
        self.recon(&[&args[..], more].concat())
    }

    /// Submits the study; no task begins before the submission has returned, however long it takes.
    pub(crate) fn submit_all(&self) {
        let hold = self.bench.write("hold", "");
        self.submit(&[]).expect(0, &["batch status"]);
        std::fs::remove_file(hold).unwrap();
    }

    /// Replaces `squeue` by this line of shell, for recon alone.
    pub(crate) fn squeue_is(&self, line: &str) {
        let path = self.bench.write("tools/squeue", &format!("#!/bin/sh\n{line}\n"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Restores SLURM's own `squeue`.
    pub(crate) fn squeue_is_itself(&self) {
        std::fs::remove_file(self.bench.path("tools/squeue")).unwrap();
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.recon(&["batch", "status", "out", "--json"]).expect(0, &[]).stdout).unwrap()
    }

    /// Waits until `wanted` holds for the status. The status is queried when the queue or the study's folder has
    /// changed, and otherwise every three seconds, because a query takes more processor time than SLURM does.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let (begin, mut asked, mut seen) = (Instant::now(), None::<Instant>, None);
        loop {
            let now = (self.tool("squeue", &["-h", "-r", "-o", "%i|%T|%r"]), entries(&self.bench.path("out/cases")));
            if seen.as_ref() != Some(&now) || asked.is_none_or(|asked| asked.elapsed() > Duration::from_secs(3)) {
                let status = self.status();
                if wanted(&status) {
                    return;
                }
                let queue = self.tool("squeue", &["-a", "-t", "all"]);
                assert!(begin.elapsed() < PATIENCE, "{what}: {status}\n{queue}\n{}", self.logs());
                (asked, seen) = (Some(Instant::now()), Some(now));
            }
            self.hurry();
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until nothing runs or waits, and SLURM says so.
    pub(crate) fn until_rest(&self) {
        self.until("nothing runs or waits", |status| {
            status["scheduler_unknown"].is_null() && status["running"] == 0 && status["queued"] == 0
        });
    }

    /// Does what an operator does. A requeued job waits for two minutes unless it is released. A controller that has
    /// forgotten what runs starts it a second time, detects that ("Duplicate jobid") and drains the node.
    fn hurry(&self) {
        if self.hurried.get().elapsed() < Duration::from_secs(1) {
            return;
        }
        self.hurried.set(Instant::now());
        for line in self.tool("sinfo", &["-h", "-R", "-o", "%N|%E"]).lines() {
            if let Some((nodes, "Duplicate jobid")) = line.trim().split_once('|') {
                self.tool("scontrol", &["update", &format!("NodeName={nodes}"), "State=RESUME"]);
            }
        }
        for line in self.tool("squeue", &["-h", "-r", "-t", "pending", "-o", "%i|%r"]).lines() {
            if let Some((job, "BeginTime")) = line.trim().split_once('|') {
                self.tool("scontrol", &["update", &format!("JobId={job}"), "StartTime=now"]);
            }
        }
    }

    /// Returns the ends of SLURM's own logs, for the message of a test that fails.
    fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = std::fs::read_to_string(self.slurm.join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(12).collect();
            format!("{name}:\n{}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
        };
        ["slurmctld.log", "slurmd.n1.log", "slurmd.n2.log"].map(tail).join("\n")
    }

    /// Waits until the last job has made the table; returns its text.
    pub(crate) fn table(&self) -> String {
        let (path, begin) = (self.bench.path("out/table.md"), Instant::now());
        while !path.exists() {
            assert!(begin.elapsed() < PATIENCE, "{}\n{}", self.tool("squeue", &["-a", "-t", "all"]), self.logs());
            self.hurry();
            std::thread::sleep(Duration::from_millis(200));
        }
        std::fs::read_to_string(path).unwrap()
    }

    /// Returns the process numbers of the tasks of this study.
    pub(crate) fn tasks(&self) -> Vec<u32> {
        let study = self.bench.path("out").display().to_string();
        let words = |pid: u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let ours = |pid: &u32| {
            let words = String::from_utf8_lossy(&words(*pid)).into_owned();
            let words: Vec<&str> = words.split('\0').collect();
            words.contains(&"task") && words.contains(&study.as_str())
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(ours).collect()
    }

    pub(crate) fn wait_for_tasks(&self, count: usize) -> Vec<u32> {
        let begin = Instant::now();
        loop {
            let found = self.tasks();
            if found.len() >= count {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "{}", self.tool("squeue", &["-a", "-t", "all"]));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the number of the array's job.
    pub(crate) fn job(&self) -> String {
        let line = self.tool("squeue", &["-h", "-o", "%F|%j"]);
        let array = line.lines().find_map(|line| line.trim().split_once('|').filter(|(_, name)| name.ends_with("-0")));
        array.unwrap_or_else(|| panic!("no array in the queue: {line}")).0.to_string()
    }

    /// Makes the checks that end every test. What is missing is submitted, and nothing else; then each of `expected` is
    /// in the table exactly once with the bits of an undisturbed run, and no half-done result is left.
    pub(crate) fn proved(&self, expected: &Arrays) {
        self.until_rest();
        let status = self.status();
        let (tasks, done) = (status["tasks"].as_u64().unwrap(), status["done"].as_u64().unwrap());
        let again = self.submit(&["--resume"]).expect(0, &[]);
        if done < tasks {
            assert_eq!(self.submitted(), tasks - done, "only what is missing: {status} {again:?}");
        } else {
            assert!(again.stdout.contains("every task is done") || again.stderr.contains("table.html"), "{again:?}");
        }
        self.until("all is done", |status| status["done"] == status["tasks"]);
        self.recon(&["batch", "collect", "out"]).expect(0, &[]);
        let table: Value = self.bench.json("out/table.json");
        let mut rows: Vec<String> =
            table["rows"].as_array().unwrap().iter().map(|row| format!("{}/{}", row["task"], row["name"])).collect();
        let count = rows.len();
        rows.sort();
        rows.dedup();
        let names: std::collections::BTreeSet<&str> =
            table["rows"].as_array().unwrap().iter().filter_map(|row| row["task"].as_str()).collect();
        assert_eq!((rows.len(), names.len() as u64), (count, tasks), "each exactly once");
        let found = self.bench.arrays();
        assert!(found.keys().eq(expected.keys()), "{:?}", found.keys());
        let differ: Vec<&String> =
            found.iter().filter(|(name, bytes)| expected[*name] != **bytes).map(|f| f.0).collect();
        assert!(differ.is_empty(), "the bits of {differ:?} differ");
        assert_eq!(self.bench.files("out/work"), Vec::<String>::new(), "nothing half-done is left");
    }

    /// Returns the number of elements in the array that was submitted last.
    fn submitted(&self) -> u64 {
        let script = std::fs::read_to_string(self.bench.path("out/array-0.sh")).unwrap();
        let elements = script.lines().find_map(|line| line.strip_prefix("#SBATCH --array=")).unwrap();
        let range = |part: &str| match part.split_once('-') {
            Some((first, last)) => last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap() + 1,
            None => 1,
        };
        elements.split(',').map(range).sum()
    }
}

impl Drop for Site {
    /// Leaves an idle cluster to the next test, or stops the cluster.
    fn drop(&mut self) {
        // Writes to stderr directly, which the test harness does not capture: a reader should see how long the test
        // took.
        let _ = writeln!(std::io::stderr(), "cluster::{}: {:.1} s", self.test, self.begin.elapsed().as_secs_f64());
        self.tool("scancel", &["--me"]);
        self.tasks().into_iter().for_each(|pid| kill("9", &pid.to_string()));
        let (begin, mut reusable) = (Instant::now(), !self.spoiled.get() && !std::thread::panicking());
        while reusable && !self.tool("squeue", &["-h"]).trim().is_empty() {
            reusable = begin.elapsed() < Duration::from_secs(20);
            std::thread::sleep(Duration::from_millis(50));
        }
        if reusable {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self.slurm.clone());
        } else {
            let _ = Command::new("sh").args([SCRIPT, "stop"]).arg(&self.slurm).status();
        }
    }
}

/// Starts a cluster that ends with this process.
fn new_cluster() -> PathBuf {
    let slurm = tempfile::tempdir().unwrap().keep();
    let own = std::process::id().to_string();
    let status = Command::new("sh").args([SCRIPT, "start"]).arg(&slurm).arg(own).status().unwrap();
    assert!(status.success(), "SLURM did not start");
    slurm
}

/// Returns the number of entries of a folder.
fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

pub(crate) fn kill(signal: &str, pid: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), pid.trim()]).stderr(Stdio::null()).status();
}

/// Returns the study of the tests with `seeds` seeds of three settings each.
pub(crate) fn study(seeds: usize) -> String {
    let text = std::fs::read_to_string(STUDY).unwrap();
    let text = text.replace("tiny.yaml", TINY).replace("count: 8", &format!("count: {seeds}"));
    format!("{text}resources: {{time: '10', cpus: 1, memory: 1G, answer_s: 2, prelude: ['{HOLD}']}}\n")
}

/// Returns a study of the fits alone, with `seeds` seeds and `steps` steps.
pub(crate) fn fits(seeds: usize, steps: usize, resources: &str) -> String {
    let text = study(seeds).replace("steps: 5,", &format!("steps: {steps},"));
    let (before, settings) = text.split_once("    fdk:").unwrap();
    let text = format!("{before}    siren:{}", settings.split_once("    siren:").unwrap().1);
    text.replace("time: '10'", resources)
}

/// Returns the arrays of a study that runs undisturbed as processes of this machine.
pub(crate) fn by_processes(study: &str) -> Arrays {
    let bench = Bench::new();
    bench.write("s.yaml", study);
    bench.recon(&["batch", "submit", "s.yaml", "--parallel", "2", "--output", "out"]).expect(0, &[]);
    bench.arrays()
}

/// Returns the undisturbed arrays of [`study`] with `seeds` seeds; the whole study runs only once.
pub(crate) fn undisturbed(seeds: usize) -> Arrays {
    static ALL: OnceLock<Arrays> = OnceLock::new();
    let all = ALL.get_or_init(|| by_processes(&study(8)));
    let ours = |name: &&String| (0..seeds).any(|seed| name.starts_with(&format!("seed-{seed}_")));
    all.keys().filter(ours).map(|name| (name.clone(), all[name].clone())).collect()
}
