//! Studies on a real SLURM of two nodes on this host (slurm.sh): what happens when tasks, nodes and the controller are
//! killed, a disk is full, squeue gives no answer. Each test has one disturbance and ends alike
//! ([`site::Site::proved`]): every case is in the table exactly once, `--resume` submits what is missing and nothing
//! else, and the bits are those of an undisturbed run. Skipped by name unless RECON_TEST_SLURM=1, and without SLURM or
//! root. One test at a time: they share ports.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; helpers are tests too")]

#[path = "../common/mod.rs"]
mod common;
mod site;

use serde_json::Value;
use site::{Site, by_processes, fits, kill, study, undisturbed};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn an_array_of_24_and_the_job_that_collects() {
    let Some(site) = Site::start("an_array_of_24_and_the_job_that_collects", &study(8)) else { return };
    site.submit(&[]).expect(0, &["batch status"]);
    assert!(site.table().contains("24 of 24 tasks are done, 0 failed"));
    site.proved(&undisturbed(8));
}

#[test]
fn killed_tasks_are_missing_and_done_by_a_resume() {
    let Some(site) = Site::start("killed_tasks_are_missing_and_done_by_a_resume", &study(2)) else { return };
    site.submit(&[]).expect(0, &[]);
    site.wait_for_tasks(2).into_iter().take(2).for_each(|pid| kill("9", &pid.to_string()));
    site.table();
    let done = site.status()["done"].as_u64().unwrap();
    assert!((4..6).contains(&done), "SLURM does not start a killed task again: {done}");
    site.proved(&undisturbed(2));
}

#[test]
fn usr1_before_the_limit_checkpoints_and_the_requeued_task_goes_on() {
    // A minute is the shortest limit; the signal comes 45 s before its end, or up to a minute early.
    let text = fits(1, 3000, "time: '1', warning_s: 45");
    let Some(site) = Site::start("usr1_before_the_limit_checkpoints_and_goes_on", &text) else { return };
    site.submit(&[]).expect(0, &[]);
    let job = site.job();
    let begin = Instant::now();
    while !site.bench.files("out/work").iter().any(|file| file.ends_with("checkpoint.previous.safetensors")) {
        assert!(begin.elapsed() < Duration::from_mins(2), "{}", site.tool("squeue", &["-a", "-t", "all"]));
        std::thread::sleep(Duration::from_millis(10));
    }
    // As SLURM itself sends it, whether or not the machine is so fast that the limit is not reached.
    site.tool("scancel", &["--signal=USR1", "--batch", &format!("{job}_0")]);
    site.until("the element is back in the queue", |status| status["queued"] == 1 || status["done"] == 1);
    site.until("it goes on to its end", |status| status["done"] == 1);
    let record: Value = site.bench.json("out/cases/seed-0_method-siren/task.json");
    assert!(record["attempt"].as_u64().unwrap() >= 2, "{record}");
    site.proved(&by_processes(&text));
}

#[test]
fn what_scancel_ends_is_not_failed_and_goes_on_later() {
    let Some(site) = Site::start("what_scancel_ends_is_not_failed_and_goes_on_later", &study(3)) else { return };
    site.submit(&[]).expect(0, &[]);
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
    site.submit(&[]).expect(0, &[]);
    site.wait_for_tasks(1);
    site.recon(&["batch", "cancel", "out"]).expect(0, &[]);
    site.until_rest();
    let status = site.status();
    assert!(status["failed"] == 0 && status["done"].as_u64().unwrap() < 9, "{status}");
    site.proved(&undisturbed(3));
}

/// Kills the controller, which must make nothing worse than unknown, and starts it again.
fn kill_the_controller(site: &Site) {
    kill("9", &site.pid("slurmctld.pid"));
    let status = site.status();
    assert!(status["scheduler_unknown"].is_string() && status["failed"] == 0, "{status}");
    site.submit(&["--resume"]).expect(5, &["none was submitted"]);
    site.tool("slurmctld", &[]);
}

#[test]
fn a_controller_that_is_killed_and_comes_back_changes_nothing() {
    // Long enough to be at work when the controller dies.
    let text = fits(3, 1600, "time: '10'");
    let Some(site) = Site::start("a_controller_that_is_killed_and_comes_back", &text) else { return };
    site.submit(&[]).expect(0, &[]);
    site.wait_for_tasks(2);
    // It writes its state down every five seconds.
    std::thread::sleep(Duration::from_secs(6));
    kill_the_controller(&site);
    site.proved(&by_processes(&text));
}

#[test]
fn a_controller_that_has_forgotten_what_runs_starts_it_twice_and_each_is_done_once() {
    let Some(site) = Site::start("a_controller_that_has_forgotten_what_runs", &study(3)) else { return };
    site.submit(&[]).expect(0, &[]);
    // Before its state is written: it will know of the array, and not that four of its tasks have begun.
    site.wait_for_tasks(2).into_iter().take(2).for_each(|pid| kill("9", &pid.to_string()));
    kill_the_controller(&site);
    site.proved(&undisturbed(3));
}

#[test]
fn a_node_that_is_down_while_its_process_lives_leaves_one_result() {
    let text = fits(2, 400, "time: '10'");
    let Some(site) = Site::start("a_node_that_is_down_while_its_process_lives", &text) else { return };
    site.submit(&[]).expect(0, &[]);
    let old = site.wait_for_tasks(2);
    let on_n1 = site.tool("squeue", &["-h", "-t", "running", "-w", "n1", "-o", "%i"]).lines().count();
    assert!(on_n1 > 0, "a task runs on the node");
    kill("9", &site.pid("slurmd.n1.pid"));
    site.tool("scontrol", &["update", "nodename=n1", "state=down", "reason=test"]);
    let alive = |pid: &&u32| site.tasks().contains(pid);
    assert_eq!(old.iter().filter(alive).count(), 2, "the processes of the node that is down live on");
    site.until("SLURM has started an element again", |status| status["done"] == 2 || site.tasks().len() > 2);
    site.until("all is done", |status| status["done"] == 2);
    site.proved(&by_processes(&text));
}

#[test]
fn a_bad_case_is_named_by_the_job_that_collects_and_stops_no_other() {
    let text = study(2);
    let bad = text.replace("- seeds: {count: 2, key: seed}", "- seeds: {count: 2, key: seed}\n- csv: {file: bad.csv}");
    let Some(site) = Site::start("a_bad_case_is_named_by_the_job_that_collects", &bad) else { return };
    site.bench.write("bad.csv", "case,load.phantom.file\nbad,late.yaml\n");
    site.submit(&[]).expect(0, &[]);
    let table = site.table();
    assert!(table.contains("6 of 9 tasks are done, 3 failed") && table.contains("late.yaml"), "{table}");
    let log = std::fs::read_to_string(site.bench.path("out/logs/collect.log")).unwrap();
    assert!(log.contains("bad_method-fdk: "), "{log}");
    site.recon(&["batch", "collect", "out"]).expect(4, &["6 of 9 tasks are done, 3 failed"]);
    let phantom = concat!(env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan.yaml");
    std::fs::copy(phantom, site.bench.path("late.yaml")).unwrap();
    let mut expected = undisturbed(2);
    // The seed of the pipeline is that of `seed-0`, and so is the phantom.
    let zero: Vec<String> = expected.keys().filter(|name| name.starts_with("seed-0_")).cloned().collect();
    for name in zero {
        expected.insert(name.replace("seed-0_", "bad_"), expected[&name].clone());
    }
    site.proved(&expected);
}

#[test]
fn a_task_that_fills_the_disk_fails_alone() {
    // Without the fits: rays of so large a detector take them minutes.
    let text =
        study(1).replace("- seeds: {count: 1, key: seed}", "- seeds: {count: 1, key: seed}\n- csv: {file: big.csv}");
    let (before, fit) = text.split_once("    # A checkpoint at every step").unwrap();
    let text = format!("{before}retry:{}", fit.split_once("\nretry:").unwrap().1);
    let Some(site) = Site::start("a_task_that_fills_the_disk_fails_alone", &text) else { return };
    site.bench.write("big.csv", "case,simulate.geometry.cone.detector.pixels\nbig,\"[400, 400]\"\n");
    let mount = |options: &str| {
        let command = ["-t", "tmpfs", "-o", options, "tmpfs", "out"];
        assert!(Command::new("mount").args(command).current_dir(site.bench.path("")).status().unwrap().success());
    };
    std::fs::create_dir(site.bench.path("out")).unwrap();
    mount("size=4m");
    site.submit(&[]).expect(0, &[]);
    let table = site.table();
    site.until_rest();
    let status = site.status();
    assert_eq!((&status["done"], &status["failed"]), (&2.into(), &2.into()), "{status}\n{table}");
    let reasons = status["failures"].as_array().unwrap();
    let told =
        |failure: &Value| failure["exit_code"] == 5 && failure["reason"].as_str().unwrap().contains("No space left");
    assert!(reasons.iter().all(told), "{status}");
    assert!(site.bench.files("out").iter().all(|file| !file.contains(".partial")));
    mount("remount,size=256m");
    let expected = by_processes(&text.replace("big.csv", &site.bench.path("big.csv").display().to_string()));
    site.proved(&expected);
    let _ = Command::new("umount").arg("-l").arg(site.bench.path("out")).status();
}

/// A study during which `squeue` is something else, for recon alone.
fn with_squeue(test: &str, line: &str, why: &str) {
    let Some(site) = Site::start(test, &study(3)) else { return };
    site.submit(&[]).expect(0, &[]);
    site.wait_for_tasks(1);
    site.squeue_is(line);
    let status = site.status();
    assert!(status["scheduler_unknown"].as_str().unwrap().contains(why), "{status}");
    assert_eq!(status["failed"], 0, "unknown is not failed");
    if why == "knows of no job" {
        // A queue that is empty, asked three times, is believed: whatever is submitted twice is done once.
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
    with_squeue("a_squeue_that_hangs_is_no_answer", "exec sleep 600", "no answer in 3.0 s");
}

#[test]
fn a_squeue_that_is_empty_is_no_answer() {
    with_squeue("a_squeue_that_is_empty_is_no_answer", "exit 0", "knows of no job");
}
