//! Tests of what a run reports: its log, JSON lines on stderr, the filter of messages, and the trace.

use crate::common::Bench;
use serde_json::Value;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn has(events: &[Value], event: &str, key: &str, value: &str) -> bool {
    events.iter().any(|line| line["event"] == event && line[key] == value)
}

#[test]
fn the_log_of_a_run_and_json_lines_tell_stages_tasks_and_figures() {
    let bench = Bench::new();
    let set = ["--set", "reconstruct=[{name: mine, sirt: {iterations: 3}}]", "--log-format", "json"];
    let shown = lines(&bench.quick(&set).expect(0, &[]).stderr);
    let log = lines(&std::fs::read_to_string(bench.path("out/log.jsonl")).unwrap());
    for events in [&shown, &log] {
        assert!(events.iter().all(|line| line["time"].is_number() && line["event"].is_string()));
        assert!(has(events, "begin", "task", "mine: sirt") && has(events, "end", "task", "mine: sirt"), "{events:#?}");
        let step = events.iter().find(|line| line["event"] == "step" && line["task"] == "mine: sirt").unwrap();
        assert!(step["done"] == 1 && step["loss"].is_number() && step["residual"].is_number(), "{step}");
    }
    assert!(has(&log, "stage", "stage", "reconstruct") && has(&log, "start", "event", "start"), "{log:#?}");
    assert!(log.iter().filter(|line| line["event"] == "stage").all(|line| line["seconds"].is_number()));
}

#[test]
fn the_filter_decides_what_is_shown_and_not_what_is_logged() {
    let bench = Bench::new();
    let run = |filter: &str| {
        let args = ["run", crate::common::TINY, "--output", "out", "--until", "simulate", "--force"];
        let output = bench.command(&args).env("RECON_LOG", filter).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, all) = run("");
    assert!(code == Some(0) && all.contains("simulate: "), "{all}");
    let (code, warnings) = run("warn");
    assert!(code == Some(0) && !warnings.contains("simulate: "), "{warnings}");
    let log = lines(&std::fs::read_to_string(bench.path("out/log.jsonl")).unwrap());
    let begun = log.iter().filter(|line| line["event"] == "begin" && line["task"] == "simulate").count();
    assert_eq!(begun, 2);
    let (code, refused) = run("recon=loud");
    assert!(code == Some(2) && refused.contains("RECON_LOG"), "{refused}");
}

#[test]
fn a_trace_is_valid_json_in_which_every_span_that_begins_ends() {
    let bench = Bench::new();
    bench
        .quick(&["--set", "reconstruct=[{name: mine, sirt: {iterations: 3}}]", "--trace", "trace.json"])
        .expect(0, &[]);
    let trace: Vec<Value> = serde_json::from_slice(&std::fs::read(bench.path("trace.json")).unwrap()).unwrap();
    let mut open: Vec<&Value> = Vec::new();
    let mut seen = Vec::new();
    for event in trace.iter().filter(|event| event["ph"] == "B" || event["ph"] == "E") {
        assert!(event["ts"].is_number() && event["pid"].is_number() && event["tid"].is_number());
        if event["ph"] == "B" {
            open.push(&event["name"]);
            seen.extend(event["name"].as_str());
        } else {
            assert_eq!(open.pop(), Some(&event["name"]));
        }
    }
    assert!(open.is_empty());
    for name in ["run", "load", "simulate", "reconstruct", "mine", "sirt", "evaluate", "export"] {
        assert!(seen.contains(&name), "{name} is not among {seen:?}");
    }
    bench.quick(&["--trace", "nowhere/trace.json"]).expect(5, &["nowhere/trace.json: cannot write"]);
}
