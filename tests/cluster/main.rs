//! Tests of studies on a real SLURM of two nodes on this host (slurm.sh) when tasks, nodes or the controller are
//! killed, a disk is full, or squeue gives no answer. Each test has one disturbance and ends with the same checks
//! ([`site::Site::proved`]): every case is in the table exactly once, `--resume` submits what is missing and nothing
//! else, and the bits are those of an undisturbed run. A test is skipped, and says so, unless RECON_TEST_SLURM=1, and
//! without SLURM or root. Each test has a cluster to itself, which the next one takes over unless a daemon was killed.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; helpers are tests too")]

#[path = "../common/mod.rs"]
mod common;
mod site;

use common::skipped;
use serde_json::Value;
use site::{Site, by_processes, fits, kill, study, undisturbed};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn an_array_of_24_and_the_job_that_collects() {
    let Some(site) = Site::start("an_array_of_24_and_the_job_that_collects", &study(8)) else { return };
    site.submit_all();
    assert!(site.table().contains("24 of 24 tasks are done, 0 failed"));
    site.proved(&undisturbed(8));
}

/// Returns the processes of a study's tasks, each with its node and GPU.
fn with_gpus(site: &Site) -> Vec<(u32, String)> {
    let own = |pid: u32| {
        let text = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let value = |name: &str| text.split('\0').find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        Some((pid, format!("{} {}", value("SLURMD_NODENAME")?, value("CUDA_VISIBLE_DEVICES")?)))
    };
    site.tasks().into_iter().filter_map(own).collect()
}

#[test]
fn each_task_has_a_gpu_of_its_own() {
    let line = "'echo \"$SLURM_ARRAY_TASK_ID $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES\" >> gpus.log'";
    let text = study(4).replace("prelude: [", &format!("gpus: 1, prelude: [{line}, "));
    let Some(site) = Site::start("each_task_has_a_gpu_of_its_own", &text) else { return };
    if !site.has_gpus() {
        return skipped("cluster::each_task_has_a_gpu_of_its_own", "a device file, which mknod may not make here");
    }
    site.submit_all();
    let begin = Instant::now();
    while !site.bench.path("out/table.md").exists() {
        assert!(begin.elapsed() < Duration::from_mins(6), "{}", site.status());
        let now = with_gpus(&site);
        for (pid, gpu) in &now {
            let same: Vec<u32> = now.iter().filter(|other| other.1 == *gpu && other.0 != *pid).map(|o| o.0).collect();
            // One task may have ended and the next begun while the processes were listed, so that they are listed
            // again.
            let still = with_gpus(&site);
            let both = |other: &u32| still.iter().any(|task| task.0 == *other) && still.iter().any(|t| t.0 == *pid);
            assert!(!same.iter().any(both), "two tasks on {gpu}: {now:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let log = std::fs::read_to_string(site.bench.path("gpus.log")).unwrap();
    // The job that collects the results is no task and has no GPU.
    let tasks: Vec<(&str, &str)> =
        log.lines().filter_map(|line| line.split_once(' ')).filter(|t| !t.0.is_empty()).collect();
    let numbers: BTreeSet<&str> = tasks.iter().map(|task| task.0).collect();
    assert_eq!((tasks.len(), numbers.len()), (12, 12), "each began once: {log}");
    let used: BTreeSet<&str> = tasks.iter().map(|task| task.1).collect();
    assert_eq!(Vec::from_iter(used), ["n1 0", "n1 1", "n2 0"], "one GPU to each task: n1 has two, n2 has one");
    site.proved(&undisturbed(4));
}

#[test]
fn killed_tasks_are_missing_and_done_by_a_resume() {
    let Some(site) = Site::start("killed_tasks_are_missing_and_done_by_a_resume", &study(2)) else { return };
    site.submit_all();
    site.wait_for_tasks(2).into_iter().take(2).for_each(|pid| kill("9", &pid.to_string()));
    site.table();
    let done = site.status()["done"].as_u64().unwrap();
    assert!((4..6).contains(&done), "SLURM does not start a killed task again: {done}");
    site.proved(&undisturbed(2));
}

/// Stops processes until `go_on`, so that they are unfinished at that time however fast the machine is.
fn stop(tasks: &[u32]) {
    for pid in tasks {
        kill("STOP", &pid.to_string());
    }
}

fn go_on(tasks: &[u32]) {
    for pid in tasks {
        kill("CONT", &pid.to_string());
    }
}

/// Returns whether the signal USR1 is pending for a process that is stopped.
fn warned(pid: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let pending = text.lines().filter_map(|line| line.strip_prefix("ShdPnd:").or(line.strip_prefix("SigPnd:")));
    pending.filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok()).any(|mask| mask & (1 << 9) != 0)
}

#[test]
fn usr1_before_the_limit_checkpoints_and_the_requeued_task_goes_on() {
    // The shortest limit is one minute. The signal is due 5 s after the start, but SLURM checks only every half minute.
    let text = fits(1, 200, "time: '1', warning_s: 55");
    let Some(site) = Site::start("usr1_before_the_limit_checkpoints_and_goes_on", &text) else { return };
    site.submit(&[]).expect(0, &[]);
    let (job, begin) = (site.job(), Instant::now());
    // The signal may have arrived already.
    let queued = || site.tool("squeue", &["-h", "-r", "-t", "pending", "-o", "%r"]).contains("BeginTime");
    let saved = || site.bench.files("out/work").iter().any(|file| file.ends_with("checkpoint.previous.safetensors"));
    while !saved() && !queued() {
        assert!(begin.elapsed() < Duration::from_mins(2), "{}", site.tool("squeue", &["-a", "-t", "all"]));
        std::thread::sleep(Duration::from_millis(5));
    }
    let task = site.tasks();
    stop(&task);
    let stopped = Instant::now();
    let is_warned = || queued() || task.iter().any(|pid| warned(*pid));
    while !is_warned() && stopped.elapsed() < Duration::from_secs(35) {
        std::thread::sleep(Duration::from_millis(100));
    }
    if !is_warned() {
        // The signal is late, so that the test sends it, as an operator can.
        site.tool("scancel", &["--signal=USR1", "--batch", &format!("{job}_0")]);
    }
    go_on(&task);
    site.until("the element is back in the queue", |status| status["queued"] == 1 || status["done"] == 1);
    site.until("it goes on to its end", |status| status["done"] == 1);
    let record: Value = site.bench.json("out/cases/seed-0_method-siren/task.json");
    assert!(record["attempt"].as_u64().unwrap() >= 2, "{record}");
    site.proved(&by_processes(&text));
}

#[test]
fn what_scancel_ends_is_not_failed_and_goes_on_later() {
    let Some(site) = Site::start("what_scancel_ends_is_not_failed_and_goes_on_later", &study(3)) else { return };
    site.submit_all();
    site.wait_for_tasks(1);
    site.tool("scancel", &[&site.job()]);
    site.until_rest();
    let status = site.status();
    assert!(status["failed"] == 0 && status["done"].as_u64().unwrap() < 9, "{status}");
    site.proved(&undisturbed(3));
}

#[test]
fn what_recon_cancels_goes_on_later() {
    let Some(site) = Site::start("what_recon_cancels_goes_on_later", &study(3)) else { return };
    site.submit_all();
    site.wait_for_tasks(1);
    site.recon(&["batch", "cancel", "out"]).expect(0, &[]);
    site.until_rest();
    let status = site.status();
    assert!(status["failed"] == 0 && status["done"].as_u64().unwrap() < 9, "{status}");
    site.proved(&undisturbed(3));
}

/// Kills the controller, after which the state is unknown but no task counts as failed, and starts it again.
fn kill_the_controller(site: &Site) {
    site.kill_daemon("slurmctld.pid");
    let status = site.status();
    assert!(status["scheduler_unknown"].is_string() && status["failed"] == 0, "{status}");
    site.submit(&["--resume"]).expect(5, &["none was submitted"]);
    site.tool("slurmctld", &[]);
}

#[test]
fn a_controller_that_is_killed_and_comes_back_changes_nothing() {
    let Some(site) = Site::start("a_controller_that_is_killed_and_comes_back", &study(2)) else { return };
    site.submit_all();
    let at_work = site.wait_for_tasks(2);
    stop(&at_work);
    site.wait_for_state();
    kill_the_controller(&site);
    go_on(&at_work);
    site.proved(&undisturbed(2));
}

#[test]
fn a_controller_that_has_forgotten_what_runs_starts_it_twice_and_each_is_done_once() {
    let Some(site) = Site::start("a_controller_that_has_forgotten_what_runs", &study(3)) else { return };
    site.submit_all();
    // The controller is killed before it writes its state, so that it will know of the array and not that four of its
    // tasks have begun.
    site.wait_for_tasks(2).into_iter().take(2).for_each(|pid| kill("9", &pid.to_string()));
    kill_the_controller(&site);
    site.proved(&undisturbed(3));
}

#[test]
fn a_node_that_is_down_while_its_process_lives_leaves_one_result() {
    let text = fits(2, 100, "time: '10'");
    let Some(site) = Site::start("a_node_that_is_down_while_its_process_lives", &text) else { return };
    site.submit_all();
    let old = site.wait_for_tasks(2);
    stop(&old);
    let on_n1 = site.tool("squeue", &["-h", "-t", "running", "-w", "n1", "-o", "%i"]).lines().count();
    assert!(on_n1 > 0, "a task runs on the node");
    site.kill_daemon("slurmd.n1.pid");
    site.tool("scontrol", &["update", "nodename=n1", "state=down", "reason=test"]);
    let alive = |pid: &&u32| site.tasks().contains(pid);
    assert_eq!(old.iter().filter(alive).count(), 2, "the processes of the node that is down live on");
    site.until("SLURM has started an element again", |status| status["done"] != 0 || site.tasks().len() > 2);
    go_on(&old);
    site.until("all is done", |status| status["done"] == 2);
    site.proved(&by_processes(&text));
}

#[test]
fn a_bad_case_is_named_by_the_job_that_collects_and_stops_no_other() {
    let text = study(2);
    let bad = text.replace("- seeds: {count: 2, key: seed}", "- seeds: {count: 2, key: seed}\n- csv: {file: bad.csv}");
    let Some(site) = Site::start("a_bad_case_is_named_by_the_job_that_collects", &bad) else { return };
    site.bench.write("bad.csv", "case,load.phantom.file\nbad,late.yaml\n");
    site.submit_all();
    let table = site.table();
    assert!(table.contains("6 of 9 tasks are done, 3 failed") && table.contains("late.yaml"), "{table}");
    let log = std::fs::read_to_string(site.bench.path("out/logs/collect.log")).unwrap();
    assert!(log.contains("bad_method-fdk: "), "{log}");
    site.recon(&["batch", "collect", "out"]).expect(4, &["6 of 9 tasks are done, 3 failed"]);
    let phantom = crate::common::SHEPP_LOGAN;
    std::fs::copy(phantom, site.bench.path("late.yaml")).unwrap();
    let mut expected = undisturbed(2);
    // The case `bad` has the seed of the pipeline, which is that of `seed-0`, and the same phantom.
    let zero: Vec<String> = expected.keys().filter(|name| name.starts_with("seed-0_")).cloned().collect();
    for name in zero {
        expected.insert(name.replace("seed-0_", "bad_"), expected[&name].clone());
    }
    site.proved(&expected);
}

#[test]
fn a_task_that_fills_the_disk_fails_alone() {
    // The fits are left out, because they take minutes with the rays of so large a detector.
    let text =
        study(1).replace("- seeds: {count: 1, key: seed}", "- seeds: {count: 1, key: seed}\n- csv: {file: big.csv}");
    let (before, fit) = text.split_once("    # A checkpoint at every step").unwrap();
    let text = format!("{before}retry:{}", fit.split_once("\nretry:").unwrap().1);
    let Some(site) = Site::start("a_task_that_fills_the_disk_fails_alone", &text) else { return };
    site.bench.write("big.csv", "case,simulate.geometry.cone.detector.pixels\nbig,\"[200, 200]\"\n");
    let mount = |options: &str| {
        let command = ["-t", "tmpfs", "-o", options, "tmpfs", "out"];
        assert!(Command::new("mount").args(command).current_dir(site.bench.path("")).status().unwrap().success());
    };
    std::fs::create_dir(site.bench.path("out")).unwrap();
    mount("size=1m");
    site.submit_all();
    let table = site.table();
    site.until_rest();
    let status = site.status();
    assert_eq!((&status["done"], &status["failed"]), (&2.into(), &2.into()), "{status}\n{table}");
    let reasons = status["failures"].as_array().unwrap();
    let told =
        |failure: &Value| failure["exit_code"] == 5 && failure["reason"].as_str().unwrap().contains("No space left");
    assert!(reasons.iter().all(told), "{status}");
    assert!(site.bench.files("out").iter().all(|file| !file.contains(".partial")));
    mount("remount,size=64m");
    let expected = by_processes(&text.replace("big.csv", &site.bench.path("big.csv").display().to_string()));
    site.proved(&expected);
    let _ = Command::new("umount").arg("-l").arg(site.bench.path("out")).status();
}

/// Tests a study during which `squeue` is replaced by `line`, for recon alone; `why` is the reason that recon reports.
fn with_squeue(test: &str, line: &str, why: &str) {
    let Some(site) = Site::start(test, &study(3)) else { return };
    site.submit_all();
    site.wait_for_tasks(1);
    site.squeue_is(line);
    let status = site.status();
    assert!(status["scheduler_unknown"].as_str().unwrap().contains(why), "{status}");
    assert_eq!(status["failed"], 0, "unknown is not failed");
    if why == "knows of no job" {
        // After three questions an empty queue is believed; a task that is then submitted twice is done once.
        site.submit(&["--resume"]).expect(0, &[]);
    } else {
        site.submit(&["--resume"]).expect(5, &[why, "none was submitted"]);
    }
    site.squeue_is_itself();
    site.proved(&undisturbed(3));
}

#[test]
fn a_squeue_that_fails_is_no_answer() {
    with_squeue("a_squeue_that_fails_is_no_answer", "echo 'Socket timed out' >&2; exit 1", "Socket timed out");
}

#[test]
fn a_squeue_that_hangs_is_no_answer() {
    with_squeue("a_squeue_that_hangs_is_no_answer", "exec sleep 600", "no answer in 2.0 s");
}

#[test]
fn a_squeue_that_is_empty_is_no_answer() {
    with_squeue("a_squeue_that_is_empty_is_no_answer", "exit 0", "knows of no job");
}
