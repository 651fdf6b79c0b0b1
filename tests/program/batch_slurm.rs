//! Tests of `recon batch --engine slurm` with scripts in place of SLURM's tools, which answer, fail, hang or print
//! nothing.

use crate::common::{Bench, Outcome};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Shell code of each tool. The file `mode` says how squeue answers; every call is recorded in the file `calls`.
const TOOLS: [(&str, &str); 4] = [
    (
        "sbatch",
        "[ \"$1\" = --test-only ] && exit 0; n=$(cat $F/count 2>/dev/null || echo 0); n=$((n + 1)); \
         echo $n > $F/count; echo $n",
    ),
    (
        "squeue",
        "case $(cat $F/mode) in hang) sleep 600;; fail) echo 'Socket timed out' >&2; exit 1;; empty) ;; \
         *) cat $F/queue;; esac",
    ),
    ("scancel", ":"),
    ("scontrol", "case \"$1\" in show) echo 'MaxArraySize            = 3';; esac"),
];

/// A folder with a study of four cases and the scripts.
struct Site(Bench);

impl Site {
    fn new(reconstruct: &str) -> Self {
        let bench = Bench::new();
        let tools = bench.path("tools");
        for (name, body) in TOOLS {
            let text = format!("#!/bin/sh\nF={}\necho {name} \"$@\" >> $F/calls\n{body}\n", tools.display());
            let path = bench.write(&format!("tools/{name}"), &text);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let study = format!(
            "pipeline: {}\nset: [\"{reconstruct}\", 'grid.shape=[12, 12, 12]', 'export.report=[json]', \
             'export.volumes=[nifti]']\ncases: [seeds: {{count: 4, key: seed}}]\nresources: {{time: '10', cpus: 1, \
             answer_s: 2}}\nretry: {{heartbeat_s: 0.3}}\n",
            crate::common::TINY
        );
        bench.write("s.yaml", &study);
        Self(bench).mode("answer").queue("")
    }

    fn mode(self, mode: &str) -> Self {
        self.0.write("tools/mode", mode);
        self
    }

    fn queue(self, lines: &str) -> Self {
        self.0.write("tools/queue", lines);
        self
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = self.0.command(args);
        if program != "recon" {
            command = Command::new(program);
            command.args(args).current_dir(self.0.path(""));
        }
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.0.path("tools").display()));
        command
    }

    fn recon(&self, args: &[&str]) -> Outcome {
        Outcome::from(self.command("recon", args).output().unwrap())
    }

    /// Returns the command that runs an element of the array as SLURM does, by the script that was submitted.
    fn element(&self, task: &str) -> Command {
        let mut command = self.command("bash", &["out/array-0.sh"]);
        let script = std::fs::read_to_string(self.0.path("out/array-0.sh")).unwrap();
        let name = script.lines().find_map(|line| line.strip_prefix("#SBATCH --job-name=")).unwrap();
        command.env("SLURM_JOB_NAME", name);
        command.env("SLURM_JOB_ID", "11").env("SLURM_ARRAY_JOB_ID", "1").env("SLURM_ARRAY_TASK_ID", task);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn calls(&self, tool: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.0.path("tools/calls")).unwrap_or_default();
        text.lines().filter(|line| line.starts_with(tool)).map(String::from).collect()
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.recon(&["batch", "status", "out", "--json"]).expect(0, &[]).stdout).unwrap()
    }
}

const SUBMIT: [&str; 7] = ["batch", "submit", "s.yaml", "--engine", "slurm", "--output", "out"];

#[test]
fn an_array_per_block_then_a_collector_and_nothing_twice_whatever_squeue_says() {
    let site = Site::new("reconstruct=[fdk]");
    let preview = site.recon(&[&SUBMIT[..], &["--dry-run"]].concat()).expect(0, &[]).stdout;
    assert!(preview.contains("#SBATCH --array=0-2") && preview.contains("sbatch --test-only: accepted"), "{preview}");
    assert!(!site.0.path("out").exists());
    site.recon(&SUBMIT).expect(0, &[]);
    let sent = site.calls("sbatch --parsable");
    assert!(sent.len() == 3 && sent[0].ends_with("array-0.sh") && sent[1].ends_with("array-3.sh"), "{sent:?}");
    assert!(sent[2].contains("--dependency=afterany:1:2") && sent[2].ends_with("collect.sh"), "{sent:?}");
    // The names stand on the command line too, where SBATCH_JOB_NAME of the environment cannot change them.
    assert!(sent[1].contains("--job-name=recon-") && sent[1].contains("-3 ") && sent[2].contains("--job-name=recon-"));
    let script = std::fs::read_to_string(site.0.path("out/array-3.sh")).unwrap();
    assert!(
        script.contains("--index \"$((SLURM_ARRAY_TASK_ID + 3))\"") && script.contains("#SBATCH --mem="),
        "{script}"
    );
    assert!(script.contains("#SBATCH --job-name=recon-") && !script.contains("seed-"), "{script}");

    assert!(site.element("0").status().unwrap().success());
    let name = script.lines().find_map(|line| line.strip_prefix("#SBATCH --job-name=")).unwrap();
    let name = name.trim_end_matches("-3");
    let site =
        site.queue(&format!("{name}-0|1_1|RUNNING|None\n{name}-3|2_0|PENDING|Priority\nother|9_1|RUNNING|None\n"));
    let status = site.status();
    assert_eq!((&status["done"], &status["queued"], &status["missing"]), (&1.into(), &2.into(), &1.into()), "{status}");

    let resume = [&SUBMIT[..], &["--resume"]].concat();
    for (mode, why) in [("fail", "Socket timed out"), ("hang", "no answer in 2.0 s")] {
        let site = &site;
        site.0.write("tools/mode", mode);
        let status = site.status();
        assert!(status["scheduler_unknown"].as_str().unwrap().contains(why), "{status}");
        assert_eq!((&status["failed"], &status["missing"]), (&0.into(), &3.into()), "unknown is not failed");
        site.recon(&resume).expect(5, &[why, "none was submitted"]);
    }
    site.0.write("tools/mode", "empty");
    let status = site.status();
    assert_eq!((&status["scheduler_unknown"], &status["failed"]), (&"squeue knows of no job".into(), &0.into()));
    assert_eq!(site.calls("sbatch --parsable").len(), 3);
    let site = site.mode("answer");
    site.recon(&resume).expect(0, &[]);
    let script = std::fs::read_to_string(site.0.path("out/array-0.sh")).unwrap();
    assert!(script.contains("#SBATCH --array=2\n"), "1 and 3 are in the queue: {script}");
    assert_eq!(site.calls("sbatch --parsable").len(), 5);
    let site = site.mode("empty");
    site.recon(&resume).expect(0, &[]);
    let script = std::fs::read_to_string(site.0.path("out/array-0.sh")).unwrap();
    assert!(script.contains("#SBATCH --array=1-2\n"), "an empty queue, asked three times, holds nothing: {script}");
    site.recon(&["batch", "collect", "out"]).expect(4, &["1 of 4 tasks are done", "3 have no result"]);
    let site = site.mode("answer").queue(&format!("{name}-0|1\n{name}-collect|3\nother|9\n"));
    site.recon(&["batch", "cancel", "out"]).expect(0, &[]);
    assert_eq!(site.calls("scancel"), ["scancel 1 3"]);
}

#[test]
fn watching_goes_on_while_squeue_fails_or_hangs_and_ends_when_it_says_that_nothing_waits() {
    let site = Site::new("reconstruct=[fdk]");
    site.recon(&SUBMIT).expect(0, &[]);
    let site = site.mode("fail");
    let said = std::fs::File::create(site.0.path("watch.log")).unwrap();
    let mut watch = site.command("recon", &["batch", "status", "out", "--watch", "--every", "0.05"]);
    let mut watch = watch.stdout(Stdio::null()).stderr(said).spawn().unwrap();
    let begin = Instant::now();
    for (mode, why) in [("fail", "Socket timed out"), ("hang", "no answer in 2.0 s")] {
        site.0.write("tools/mode", mode);
        while !std::fs::read_to_string(site.0.path("watch.log")).unwrap().contains(why) {
            assert!(watch.try_wait().unwrap().is_none(), "{mode}: unknown is not the end");
            assert!(begin.elapsed() < Duration::from_mins(2), "{mode}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let site = site.mode("answer").queue("other|9_1|RUNNING|None\n");
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    let said = std::fs::read_to_string(site.0.path("watch.log")).unwrap();
    assert!(said.ends_with("the scheduler answers again\n") && !said.contains("\nfailed ("), "{said}");
    // SLURM forgets jobs that have ended. One empty answer may be a failure of squeue, three in a row are not.
    let site = site.mode("empty");
    let asked = || site.calls("squeue").len();
    let before = asked();
    site.recon(&["batch", "status", "out", "--watch", "--every", "0.05"]).expect(0, &["knows of no job"]);
    assert_eq!(asked() - before, 3);
}

#[test]
fn a_task_within_a_job_of_the_user_never_requeues_that_job() {
    let site = Site::new("reconstruct=[fdk]");
    // A limit on the size of a file cuts a write short as a full disk does: a failure that is worth another attempt.
    let script = "trap '' XFSZ; ulimit -f 64; exec \\\"$0\\\" \\\"$@\\\"";
    let program = format!("program: [sh, -c, \"{script}\", '{}'], time", env!("CARGO_BIN_EXE_recon"));
    let text = std::fs::read_to_string(site.0.path("s.yaml")).unwrap();
    let text = text.replace("resources: {time", &format!("resources: {{{program}")).replace("count: 4", "count: 1");
    site.0.write("s.yaml", &text.replace("grid.shape=[12, 12, 12]", "grid.shape=[40, 40, 40]"));
    let mut submit = site.command("recon", &["batch", "submit", "s.yaml", "--output", "out"]);
    submit.env("SLURM_JOB_NAME", "interactive").env("SLURM_JOB_ID", "11");
    Outcome::from(submit.output().unwrap()).expect(4, &["0 of 1 tasks are done, 1 failed"]);
    assert_eq!(site.0.json("out/state/seed-0/failed.json")["failures"], 3, "it was tried again on this machine");
    assert_eq!(site.calls("scontrol requeue"), [""; 0]);
}

#[test]
fn a_failure_that_cannot_be_noted_on_a_full_disk_is_not_requeued_without_end() {
    let site = Site::new("reconstruct=[fdk]");
    let text = std::fs::read_to_string(site.0.path("s.yaml")).unwrap();
    site.0.write("s.yaml", &text.replace("grid.shape=[12, 12, 12]", "grid.shape=[40, 40, 40]"));
    site.recon(&SUBMIT).expect(0, &[]);
    // No file of any size can be written, as on a full disk, but locks and folders can be made.
    let script = site.0.path("out/array-0.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    let (head, last) = text.split_once("exec ").unwrap();
    for (limit, requeued) in [("8", 1), ("0", 0)] {
        std::fs::write(&script, format!("{head}trap '' XFSZ; ulimit -f {limit}\nexec {last}")).unwrap();
        let before = site.calls("scontrol requeue").len();
        assert!(!site.element("0").status().unwrap().success());
        assert_eq!(site.calls("scontrol requeue").len() - before, requeued, "a limit of {limit} blocks");
    }
}

#[test]
fn a_warning_before_the_limit_checkpoints_and_requeues_the_element_and_not_the_job() {
    let small = "field: {siren: {width: 8, depth: 2}}, start: {tv: {iterations: 3}, steps: 3, batch: 256}";
    let site = Site::new(&format!(
        "reconstruct=[{{name: siren, neural_field: {{{small}, steps: 100000, checkpoint_seconds: 0}}}}]"
    ));
    site.recon(&SUBMIT).expect(0, &[]);
    for (signal, code, requeued) in [("USR1", 75, true), ("TERM", 143, false)] {
        let mut task = site.element("1").spawn().unwrap();
        let begin = Instant::now();
        let saved =
            || site.0.files("out/work").iter().any(|file| file.ends_with("siren/checkpoint.previous.safetensors"));
        while !saved() {
            assert!(begin.elapsed() < Duration::from_mins(2) && task.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(10));
        }
        let before = site.calls("scontrol requeue").len();
        Command::new("kill").args([&format!("-{signal}"), &task.id().to_string()]).status().unwrap();
        assert_eq!(task.wait().unwrap().code(), Some(code), "{signal}: the script becomes the task");
        let calls = site.calls("scontrol requeue");
        assert_eq!(calls.len() - before, usize::from(requeued), "{calls:?}");
        assert!(calls.iter().all(|call| call == "scontrol requeue 1_1"), "{calls:?}");
        assert_eq!(site.status()["begun"], 1);
        std::fs::remove_file(
            site.0.path("out/work").join(
                site.0.files("out/work").into_iter().find(|file| file.ends_with("previous.safetensors")).unwrap(),
            ),
        )
        .unwrap();
    }
    assert!(!site.calls("squeue -h -j 11 -o %L").is_empty(), "the time left was asked for");
}
