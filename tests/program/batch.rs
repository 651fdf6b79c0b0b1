//! Tests of `recon batch` and `recon task` on this machine: each of 24 tiny cases is done exactly once, whichever
//! processes are killed and when.
#![cfg(unix)]

use crate::common::{Bench, Outcome, SHEPP_LOGAN};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const STUDY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/study.yaml");

/// Returns the arguments that submit the study on this machine into `out`; `more` holds additional ones.
fn submit<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["batch", "submit", STUDY, "--parallel", "2", "--output", "out"], more].concat()
}

fn summary(bench: &Bench) -> Value {
    serde_json::from_str(&bench.recon(&["batch", "status", "out", "--json"]).expect(0, &[]).stdout).unwrap()
}

/// Returns the numbers of the processes that hold the locks of unfinished tasks.
fn holders(study: &Path) -> Vec<u32> {
    let locks = std::fs::read_dir(study.join("state")).into_iter().flatten().flatten();
    let locks = locks.flat_map(|task| std::fs::read_dir(task.path()).into_iter().flatten().flatten());
    let held = locks.filter_map(|lock| {
        let holder: Value = serde_json::from_slice(&std::fs::read(lock.path()).ok()?).ok()?;
        if holder["released"] == true { None } else { Some(holder["pid"].as_u64()? as u32) }
    });
    held.filter(|pid| is_task(*pid)).collect()
}

/// Returns whether the process is a task of recon; its number may belong to another process by now.
fn is_task(pid: u32) -> bool {
    let text = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&text).split('\0').any(|word| word == "task")
}

fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
}

#[test]
fn every_case_is_done_once_and_killing_runner_and_tasks_at_any_time_changes_no_bit() {
    let (whole, mut benches) = (Bench::new(), vec![Bench::new()]);
    whole.recon(&submit(&[])).expect(0, &["table.html"]);
    let expected = whole.arrays();
    assert_eq!(expected.keys().filter(|file| file.ends_with("/truth.nii.gz")).count(), 24);

    let kills: u64 = std::env::var("RECON_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let (args, begin, mut killed) = (submit(&["--resume"]), Instant::now(), 0);
    let end = |bench: &Bench| {
        while bench.recon(&args).code != 0 {
            assert!(begin.elapsed() < Duration::from_mins(20), "{}", summary(bench));
        }
        assert_eq!(summary(bench)["done"], 24);
        let found = bench.arrays();
        let differs = found.iter().find(|(name, bytes)| expected[*name] != **bytes);
        assert!(found == expected, "the bits of {:?} differ", differs.map(|(name, _)| name));
        // A task that outlived its killed runner may still be removing its files.
        while std::fs::read_dir(bench.path("out/work")).unwrap().count() > 0 {
            assert!(begin.elapsed() < Duration::from_mins(20), "half-done: {:?}", bench.files("out/work"));
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(bench.files("out/cases").iter().all(|file| !file.contains(".partial")));
    };
    for number in 0..kills {
        if benches.last().is_some_and(|bench| bench.arrays().len() == expected.len()) {
            end(&benches[benches.len() - 1]);
            benches.push(Bench::new());
        }
        let bench = &benches[benches.len() - 1];
        // The delays are fixed fractions of a second, spread over the work of a runner and, in three rounds of four, of
        // a task.
        let mut runner = bench.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while number % 4 > 0 && holders(&bench.path("out")).is_empty() && runner.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(number * 397 % 600));
        // In one round of four a task is certainly at work.
        while number % 4 == 1 && holders(&bench.path("out")).is_empty() && runner.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        if number % 2 == 0 {
            kill(runner.id());
        }
        let tasks = holders(&bench.path("out"));
        killed += tasks.len().min(1 + (number % 3) as usize);
        tasks.into_iter().take(1 + (number % 3) as usize).for_each(kill);
        std::thread::sleep(Duration::from_millis(number * 397 % 300));
        kill(runner.id());
        runner.wait().unwrap();
    }
    end(&benches[benches.len() - 1]);
    assert!(killed > 0 || kills < 2, "no task was killed in {kills} rounds");
    println!("{kills} rounds on {} studies, {killed} tasks killed while they held their locks", benches.len());
}

#[test]
fn a_bad_case_stops_no_other_is_named_with_its_reason_and_only_it_is_submitted_again() {
    let bench = Bench::new();
    let pipeline = "load: {phantom: {file: p.yaml}}\ngrid: {shape: [8, 8, 8]}\nsimulate: {geometry: {cone: {views: 4, \
                    source_to_axis_mm: 500, source_to_detector_mm: 700}}}\nreconstruct: [fdk]\n";
    bench.write("base.yaml", pipeline);
    let phantom = std::fs::read_to_string(SHEPP_LOGAN).unwrap();
    for name in ["a/p.yaml", "c d/p.yaml"] {
        bench.write(name, &phantom);
    }
    bench.write("b/p.yaml", "not: [a phantom");
    bench.write("s.yaml", "pipeline: base.yaml\ncases: [files: {glob: \"*/p.yaml\", key: load.phantom.file}]\n");
    let submit = ["batch", "submit", "s.yaml", "--output", "out"];
    bench.recon(&submit).expect(4, &["2 of 3 tasks are done, 1 failed", "b: ", "p.yaml", "table.html"]);
    let status = summary(&bench);
    assert_eq!((&status["done"], &status["failed"], &status["missing"]), (&2.into(), &1.into(), &0.into()));
    assert_eq!((&status["failures"][0]["task"], &status["failures"][0]["exit_code"]), (&"b".into(), &3.into()));
    bench.recon(&submit).expect(2, &["submitted before", "--resume"]);
    let resumed = [&submit[..], &["--resume"]].concat();
    let times = |id: &str| std::fs::read_dir(bench.path("out/state").join(id)).unwrap().flatten().count();
    let before = times("a");
    let plan = bench.recon(&[&resumed[..], &["--dry-run"]].concat()).expect(0, &[]);
    assert!(plan.stdout.starts_with("1 of 3 tasks in 1 elements"), "{}", plan.stdout);
    bench.write("b/p.yaml", &phantom);
    bench.recon(&resumed).expect(0, &["table.html"]);
    assert_eq!((times("a"), bench.path("out/state/b/failed.json").exists()), (before, false));
    let id = std::fs::read_dir(bench.path("out/cases"))
        .unwrap()
        .map(|case| case.unwrap().file_name().into_string().unwrap());
    assert!(id.into_iter().any(|id| id.starts_with("c-d-")), "a name with a space is made safe");
    bench.write("s.yaml", "pipeline: base.yaml\ncases: [files: {glob: \"a/p.yaml\", key: load.phantom.file}]\n");
    bench.recon(&resumed).expect(2, &["not the one that was frozen"]);
}

#[test]
fn a_task_that_is_told_to_stop_checkpoints_and_the_next_one_goes_on() {
    let bench = Bench::new();
    let long =
        std::fs::read_to_string(STUDY).unwrap().replace("steps: 5,", "steps: 100000,").replace("count: 8", "count: 2");
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny.yaml");
    let (before, settings) = long.split_once("    fdk:").unwrap();
    let siren = settings.split_once("    siren:").unwrap().1;
    bench.write("s.yaml", &format!("{before}    siren:{siren}").replace("tiny.yaml", tiny));
    let submit = ["batch", "submit", "s.yaml", "--output", "out", "--parallel", "2"];
    let mut runner = bench.command(&submit).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let checkpoints =
        || bench.files("out/work").into_iter().filter(|file| file.ends_with("/siren/checkpoint.safetensors")).count();
    let begin = Instant::now();
    while checkpoints() < 2 {
        assert!(begin.elapsed() < Duration::from_mins(2), "{:?}", bench.files("out/work"));
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = summary(&bench);
    assert_eq!((&status["running"], &status["done"]), (&2.into(), &0.into()));
    // A second process for the same task waits for the first, and ends when it is told to.
    let log = bench.path("second.log");
    let said = std::fs::File::create(&log).unwrap();
    let mut second = bench.command(&["task", "--study", "out", "--index", "0"]).stderr(said).spawn().unwrap();
    while !std::fs::read_to_string(&log).unwrap().contains("works on it") {
        assert!(begin.elapsed() < Duration::from_mins(2) && second.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(10));
    }
    Command::new("kill").args(["-USR1", &second.id().to_string()]).status().unwrap();
    assert_eq!(second.wait().unwrap().code(), Some(75));
    assert_eq!(bench.recon(&["batch", "cancel", "out"]).code, 0);
    assert_eq!(runner.wait().unwrap().code(), Some(4), "the tasks see the mark, checkpoint and end");
    let status = summary(&bench);
    assert_eq!((&status["begun"], &status["running"]), (&2.into(), &0.into()));
    assert_eq!(checkpoints(), 2);
}

#[test]
fn watching_a_study_says_what_changes_and_ends_when_nothing_is_left() {
    let bench = Bench::new();
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny.yaml");
    let text = std::fs::read_to_string(STUDY).unwrap().replace("count: 8", "count: 2").replace("tiny.yaml", tiny);
    let bad = text.replace("- seeds: {count: 2, key: seed}", "- seeds: {count: 2, key: seed}\n- csv: {file: bad.csv}");
    bench.write("s.yaml", &bad);
    bench.write("bad.csv", "case,load.phantom.file\nbad,nowhere.yaml\n");
    let submit = ["batch", "submit", "s.yaml", "--output", "out"];
    let mut runner = bench.command(&submit).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while !bench.path("out/study.json").exists() || summary(&bench)["submitting"] != true {
        assert!(begin.elapsed() < Duration::from_mins(2) && runner.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(10));
    }
    // Between two tasks nothing runs for a moment; the study must not be taken for finished then.
    let watched = bench.recon(&["batch", "status", "out", "--watch", "--every", "0.02"]).expect(0, &["began: "]);
    assert_eq!(runner.wait().unwrap().code(), Some(4));
    let counts: Vec<&str> = watched.stderr.lines().filter(|line| line.starts_with("s of 9 tasks: ")).collect();
    assert!(counts.len() >= 9 && counts.windows(2).all(|pair| pair[0] != pair[1]), "{}", watched.stderr);
    assert_eq!(watched.stderr.matches("failed (3): bad_method-fdk: ").count(), 1, "{}", watched.stderr);
    assert!(counts.iter().any(|line| line.contains(" left")), "{}", watched.stderr);
    assert!(!watched.stderr.contains('\u{1b}'), "nothing is drawn in place where nobody looks");
    let last = ["s of 9 tasks: 6 done, 3 failed", "\nmethod-fdk ", "failed (3): bad_method-siren: "];
    assert!(last.iter().all(|words| watched.stdout.contains(words)), "{}", watched.stdout);
    let again = bench.recon(&["batch", "status", "out", "--watch"]).expect(0, &[]);
    assert_eq!(again.stdout, watched.stdout, "a study at rest is told at once");
}

/// A study of tiny tasks without waiting for any: it is only frozen.
fn froze(bench: &Bench, cases: &str, more: &[&str]) {
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny.yaml");
    let text = format!(
        "pipeline: {tiny}\nset: ['grid.shape=[12, 12, 12]', 'reconstruct=[fdk]', simulate.geometry.cone.views=8, \
         'export={{volumes: [nifti], report: [json]}}', threads=1]\ncases: [{cases}]\nretry: {{heartbeat_s: 0.3}}\n"
    );
    bench.write("s.yaml", &text);
    let submit = ["batch", "submit", "s.yaml", "--engine", "manifest", "--output", "out"];
    bench.recon(&[&submit[..], more].concat()).expect(0, &[]);
}

#[test]
fn a_task_of_a_cancelled_study_does_no_work_at_all() {
    let bench = Bench::new();
    froze(&bench, "seeds: {count: 2, key: seed}", &[]);
    bench.recon(&["batch", "cancel", "out"]).expect(0, &["--resume"]);
    bench.recon(&["task", "--study", "out", "--index", "0"]).expect(143, &[]);
    assert_eq!((summary(&bench)["done"].clone(), bench.files("out/work").len()), (0.into(), 0));
    bench.recon(&["batch", "submit", "s.yaml", "--output", "out", "--resume"]).expect(0, &["table.html"]);
}

#[test]
fn a_task_that_fails_before_it_takes_its_threads_leaves_their_number_to_the_next_one() {
    let bench = Bench::new();
    bench.write("cases.csv", "case,device\na,cuda:99\nb,cpu\n");
    froze(&bench, "csv: {file: cases.csv}", &["--chunk", "2"]);
    bench.recon(&["task", "--study", "out", "--index", "0"]).expect(4, &["1 of 2 tasks failed; a: "]);
    let status = summary(&bench);
    assert_eq!((&status["done"], &status["failures"][0]["task"]), (&1.into(), &"a".into()), "{status}");
    assert_eq!(bench.json("out/state/a/failed.json")["threads"], 0);
}

#[test]
fn a_study_may_vary_threads_and_want_gpus_that_the_machine_that_submits_does_not_have() {
    let bench = Bench::new();
    bench.write("cases.csv", "case,seed\na,1\nb,2\n");
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny.yaml");
    let text =
        "cases: [csv: {file: cases.csv}]\nvary: {n: {1: [threads=1], 2: [threads=2], gpu: ['device=cuda:99']}}\n";
    bench.write("s.yaml", &format!("pipeline: {tiny}\nset: ['reconstruct=[fdk]']\n{text}"));
    // The estimate of the memory reads every setting of the first case.
    let submit = ["batch", "submit", "s.yaml", "--engine", "manifest", "--dry-run"];
    let plan = bench.recon(&submit).expect(0, &[]).stdout;
    assert!(plan.starts_with("6 of 6 tasks in 6 elements") && plan.contains("memory: "), "{plan}");
    bench
        .recon(&[&submit[..], &["--chunk", "2"]].concat())
        .expect(2, &["--chunk: expected the same number of threads"]);
}

#[test]
fn what_a_resumed_study_takes_anew_and_what_stays_is_told() {
    let bench = Bench::new();
    froze(&bench, "seeds: {count: 2, key: seed}", &["--chunk", "2"]);
    let text = std::fs::read_to_string(bench.path("s.yaml")).unwrap();
    bench.write("s.yaml", &text.replace("heartbeat_s: 0.3", "heartbeat_s: 5, attempts: 7"));
    let resume = ["batch", "submit", "s.yaml", "--engine", "manifest", "--output", "out", "--resume"];
    let stays = ["retry.heartbeat_s stays 0.3", "--chunk stays 2, as the study was frozen, instead of 1"];
    bench.recon(&[&resume[..], &["--chunk", "1", "--dry-run"]].concat()).expect(0, &stays);
    assert_eq!(bench.json("out/study.json")["attempts"], 3, "a dry run changes nothing");
    bench.recon(&[&resume[..], &["--chunk", "1"]].concat()).expect(0, &stays);
    let header = bench.json("out/study.json");
    assert_eq!((&header["attempts"], &header["chunk"]), (&7.into(), &2.into()));
    assert!(
        !bench.recon(&resume).expect(0, &[]).stderr.contains("--chunk"),
        "without the option there is nothing to tell"
    );
}

#[test]
fn a_dry_run_that_fails_leaves_nothing_behind() {
    let bench = Bench::new();
    bench.write("temporary/none", "");
    bench.write("cases.csv", "case,load.phantom.file\na,nowhere.yaml\n");
    bench.write("s.yaml", &format!("pipeline: {}\ncases: [csv: {{file: cases.csv}}]\n", crate::common::TINY));
    let args = ["batch", "submit", "s.yaml", "--engine", "manifest", "--dry-run"];
    let output = bench.command(&args).env("TMPDIR", bench.path("temporary")).output().unwrap();
    Outcome::from(output).expect(3, &["nowhere.yaml"]);
    assert_eq!(bench.files("temporary"), ["none"]);
}

/// Returns the plan of `submit --dry-run` for a shipped study, which must be valid by its schema.
fn plan_of(file: &str, data: &Path) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let value: Value = serde_yaml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let validator = jsonschema::draft7::new(&recon::batch::Study::schema()).unwrap();
    validator.validate(&value).unwrap_or_else(|error| panic!("{error} at {}", error.instance_path()));
    let args = ["batch", "submit", file.to_str().unwrap(), "--dry-run", "--json"];
    let output = Bench::new().command(&args).env("RECON_DATA", data).output().unwrap();
    serde_json::from_str(&Outcome::from(output).expect(0, &[]).stdout).unwrap()
}

#[test]
fn the_shipped_studies_are_valid_by_their_schema_and_every_task_of_them_is_a_pipeline() {
    for file in ["pipelines/batch.yaml", "pipelines/cluster/real-ct.yaml"] {
        let plan = plan_of(file, Path::new("/nowhere"));
        assert_eq!((&plan["tasks"], &plan["missing"]), (&24.into(), &24.into()), "{file}");
    }
}

#[test]
fn a_variable_in_a_path_is_replaced_and_one_that_is_not_set_is_named() {
    let bench = Bench::new();
    bench.write("data/a.yaml", &std::fs::read_to_string(SHEPP_LOGAN).unwrap());
    let head = "grid: {shape: [8, 8, 8]}\nsimulate: {geometry: {cone: {views: 4, source_to_axis_mm: 500, \
                source_to_detector_mm: 700}}}\nreconstruct: [fdk]\nload: ";
    bench.write("base.yaml", &format!("{head}{{phantom: {{file: \"${{RECON_TEST_DATA}}/a.yaml\"}}}}\n"));
    bench.write("plain.yaml", &format!("{head}{{phantom: {{file: '{SHEPP_LOGAN}'}}}}\n"));
    let glob = "cases: [files: {glob: \"${RECON_TEST_DATA}/*.yaml\", key: load.phantom.file}]\n";
    let seeds = "pipeline: base.yaml\ncases: [seeds: {count: 1, key: seed}]\n".to_string();
    for (study, place) in [(seeds, "/a.yaml"), (format!("pipeline: plain.yaml\n{glob}"), "cases[0]")] {
        bench.write("s.yaml", &study);
        let submit = ["batch", "submit", "s.yaml", "--output", "out"];
        bench.recon(&submit).expect(2, &["${RECON_TEST_DATA} is not set", place]);
        let output = bench.command(&submit).env("RECON_TEST_DATA", bench.path("data")).output().unwrap();
        Outcome::from(output).expect(0, &["table.html"]);
        std::fs::remove_dir_all(bench.path("out")).unwrap();
    }
}
