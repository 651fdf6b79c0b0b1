//! Tests of what is drawn in place on a terminal, as a person sees it: `terminal.py` runs the program on
//! pseudo-terminals of several sizes and interprets its output. No line is left behind twice, none is wider than the
//! terminal, and the last picture says how the run ended.
#![cfg(unix)]

use crate::common::{Bench, TINY, python_or_skip};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/terminal.py");
const STUDY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/study.yaml");
const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/bench.yaml");

/// Runs `recon ARGS` on a pseudo-terminal of `lines` lines and `columns` columns.
fn on_a_terminal(python: &str, bench: &Bench, lines: usize, columns: usize, args: &[&str]) -> Child {
    let mut command = Command::new(python);
    command.arg(SCRIPT).args([lines.to_string(), columns.to_string()]).arg(env!("CARGO_BIN_EXE_recon")).args(args);
    command.current_dir(bench.path("")).stdout(Stdio::piped()).spawn().unwrap()
}

/// Returns the lines of each picture; fails unless the program ended with exit code 0.
fn pictures(child: Child) -> Vec<Vec<String>> {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["code"], 0, "{seen:#}");
    serde_json::from_value(seen["pictures"].clone()).unwrap()
}

/// Returns the number of lines that begin with `start`.
fn count(picture: &[String], start: &str) -> usize {
    picture.iter().filter(|line| line.starts_with(start)).count()
}

#[test]
fn a_study_is_watched_on_terminals_of_any_size() {
    let python = python_or_skip!("PTY", "pty, fcntl, termios");
    let bench = Bench::new();
    let text = std::fs::read_to_string(STUDY).unwrap().replace("count: 8", "count: 2").replace("tiny.yaml", TINY);
    let bad = text.replace("- seeds: {count: 2, key: seed}", "- seeds: {count: 2, key: seed}\n- csv: {file: bad.csv}");
    bench.write("s.yaml", &bad);
    bench.write("bad.csv", "case,load.phantom.file\nbad,nowhere-to-be-found/and-a-name/that-is-long/盒子.yaml\n");
    let submit = ["batch", "submit", "s.yaml", "--output", "out"];
    let mut runner = bench.command(&submit).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while !bench.path("out/submit.lock").exists() || !bench.path("out/study.json").exists() {
        assert!(begin.elapsed() < Duration::from_mins(2) && runner.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(10));
    }
    let watch = ["batch", "status", "out", "--watch", "--every", "0.1"];
    let sizes = [(24, 80), (24, 40), (6, 50), (50, 200), (3, 20)];
    let watchers = sizes.map(|(lines, columns)| on_a_terminal(&python, &bench, lines, columns, &watch));
    assert_eq!(runner.wait().unwrap().code(), Some(4));
    for ((lines, columns), watcher) in sizes.into_iter().zip(watchers) {
        let pictures = pictures(watcher);
        let (last, live) = pictures.split_last().unwrap();
        assert!(!live.is_empty(), "{lines} x {columns}: nothing was drawn");
        let known = ["s of 9 tasks:", "setting", "method-", "running: ", "failed (3): ", "and "];
        for picture in live {
            let wrapped = picture.iter().find(|line| !known.iter().any(|start| line.starts_with(start)));
            assert_eq!(wrapped, None, "{lines} x {columns}: a line is wider: {picture:#?}");
            assert!(count(picture, "s of 9 tasks:") <= 1, "{lines} x {columns}: left behind: {picture:#?}");
            assert!(count(picture, "method-siren") <= 1 && picture.len() < lines, "{lines} x {columns}: {picture:#?}");
        }
        let running = live.iter().filter(|picture| count(picture, "running: ") > 0).count();
        assert!(running > 1 || lines < 9, "{lines} x {columns}: it was not drawn while it ran: {pictures:#?}");
        let said = last.concat();
        assert!(said.starts_with("s of 9 tasks: 6 done, 3 failed"), "{lines} x {columns}: {last:#?}");
        assert_eq!(said.matches("of 9 tasks:").count(), 1, "{lines} x {columns}: {last:#?}");
    }
}

#[test]
fn a_suite_tells_how_many_cells_are_done_above_the_bar_of_the_method() {
    let python = python_or_skip!("PTY", "pty, fcntl, termios");
    for (lines, columns) in [(24, 110), (24, 40)] {
        let bench = Bench::new();
        let args = ["bench", SUITE, "--output", "out"];
        let pictures = pictures(on_a_terminal(&python, &bench, lines, columns, &args));
        let (last, live) = pictures.split_last().unwrap();
        let known = ["bench of 6 cells:", "case", "cone", "again", "running: ", "failed ("];
        for picture in live.iter().filter(|picture| count(picture, "bench of 6 cells:") > 0) {
            let begin = picture.iter().position(|line| line.starts_with("bench of 6 cells:")).unwrap();
            let board = &picture[begin..];
            let others = board.iter().filter(|line| !known.iter().any(|start| line.starts_with(start))).count();
            assert!(others <= 1, "{columns}: more than the bar of the method: {picture:#?}");
            for once in ["bench of 6 cells:", "case", "again ", "running: "] {
                assert!(count(picture, once) <= 1, "{columns}: `{once}` is left behind: {picture:#?}");
            }
        }
        let seen = live.iter().any(|picture| count(picture, "running: cone/views-12") == 1);
        assert!(seen, "{columns}: {pictures:#?}");
        // What is printed at the end is not cut, because the terminal wraps it.
        let said = last.concat();
        for once in ["bench of 6 cells: 2 done, 4 failed", "failed (5): cone/views-8_noise-none seed 0"] {
            assert_eq!(said.matches(once).count(), 1, "{columns}: `{once}`: {last:#?}");
        }
    }
}
