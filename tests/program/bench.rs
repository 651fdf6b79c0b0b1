//! Tests of `recon bench`: a tiny suite from the command line, its three tables, repeated runs that compute nothing
//! twice, and the built-in suites.

use crate::common::Bench;
use recon::benchmarks::{BUILT_IN, Expansion, Only, Suite, Variables};
use recon::pipeline::Pipeline;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/bench.yaml");

fn rows(table: &Value) -> Vec<Value> {
    table["rows"].as_array().unwrap().clone()
}

fn number(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string().trim_matches('"').to_string() }
}

/// Returns the fields of every line of a CSV file whose first columns have no quoted fields.
fn csv(bench: &Bench, path: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(bench.path(path)).unwrap();
    text.split_terminator("\r\n").map(|line| line.split(',').map(str::to_string).collect()).collect()
}

#[test]
fn the_three_tables_agree_with_each_other_and_with_the_reports() {
    let bench = Bench::new();
    let outcome = bench
        .recon(&["bench", SUITE, "--output", "out"])
        .expect(0, &["${RECON_TEST_NOWHERE} is not set", "elsewhere/base"]);
    let table = bench.json("out/bench/table.json");
    let markdown = std::fs::read_to_string(bench.path("out/bench/table.md")).unwrap();
    assert_eq!(outcome.stdout.trim_end(), markdown.trim_end());
    let lines = csv(&bench, "out/bench/table.csv");
    let column = |name: &str| lines[0].iter().position(|title| title == name).unwrap();
    let all = rows(&table);
    assert_eq!((all.len(), lines.len()), (4 * 4 + 3 + 3, 1 + 4 * 4 + 3 + 3));
    for (row, fields) in all.iter().zip(&lines[1..]) {
        for key in ["case", "method", "status", "psnr_db", "ssim", "seconds", "peak_memory_bytes", "seeds"] {
            assert_eq!(fields[column(key)], number(&row[key]), "{key} of {row}");
        }
        if let Some(psnr) = row["psnr_db"].as_f64() {
            let method = row["method"].as_str().unwrap();
            let shown = markdown
                .lines()
                .any(|line| line.contains(&format!("| {method} ")) && line.contains(&format!("{psnr:.2}")));
            assert!(shown, "{method} {psnr} is not in {markdown}");
        }
    }
    let row = all
        .iter()
        .find(|row| row["method"] == "tv" && row["setting"]["views"] == "12" && row["setting"]["noise"] == "1e4")
        .unwrap();
    let report = bench.json("out/bench/cone/views-12_noise-1e4/seed-0/report.json");
    let method = report["methods"].as_array().unwrap().iter().find(|method| method["name"] == "tv").unwrap();
    for figure in ["psnr_db", "ssim", "seconds", "peak_memory_bytes"] {
        assert!(row[figure].is_number(), "{figure} of {row}");
    }
    assert_eq!((&row["psnr_db"], &row["ssim"]), (&method["metrics"]["psnr_db"], &method["metrics"]["ssim"]));
    assert_eq!((&row["seconds"], &row["peak_memory_bytes"]), (&method["seconds"], &method["peak_memory_bytes"]));
}

#[test]
fn a_method_that_fails_is_a_row_with_its_reason_and_absent_data_are_skipped() {
    let bench = Bench::new();
    bench
        .recon(&["bench", SUITE, "--output", "out", "--only", "views-8_noise-none"])
        .expect(0, &["needs a parallel beam"]);
    let all = rows(&bench.json("out/bench/table.json"));
    let status = |name: &str| all.iter().find(|row| row["method"] == name).unwrap().clone();
    assert_eq!(all.len(), 4, "--only leaves one setting");
    assert!(
        status("fbp")["status"] == "failed"
            && status("fbp")["note"].as_str().unwrap().contains("needs a parallel beam")
    );
    assert!(status("fdk")["status"] == "complete" && status("tv")["status"] == "complete");
    let elsewhere =
        bench.recon(&["bench", SUITE, "--output", "out", "--only", "elsewhere*tv", "--json"]).expect(0, &["skipped"]);
    let table: Value = serde_json::from_str(&elsewhere.stdout).unwrap();
    assert_eq!((rows(&table).len(), &rows(&table)[0]["status"]), (1, &"skipped".into()));
}

#[test]
fn how_many_cells_are_done_how_long_is_left_and_which_failed_is_told() {
    let bench = Bench::new();
    let part = ["bench", SUITE, "--output", "out", "--only", "cone*fbp"];
    let said = bench.recon(&part).expect(0, &[]).stderr;
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("bench of 4 cells: ")).collect();
    let begins = |line: &str, start: &str, end: &str| line.starts_with(start) && line.ends_with(end);
    assert_eq!(lines[0], "bench of 4 cells: 1 running, 3 not begun; began: cone/views-8_noise-none seed 0", "{said}");
    let (start, end) =
        ("bench of 4 cells: 1 running, 1 failed, 2 not begun, about ", " left; began: cone/views-8_noise-1e4");
    assert!(begins(lines[1].trim_end_matches(" seed 0"), start, end), "{said}");
    assert_eq!(lines[4..], ["bench of 4 cells: 4 failed"; 2], "{said}");
    let failed = "failed (5): cone/views-12_noise-1e4 seed 0: method fbp: reconstruct[0].fbp: needs a parallel beam";
    // The failure is reported when it happens and again at the end.
    assert_eq!(said.matches(failed).count(), 2, "{said}");
    let again = ["bench", SUITE, "--output", "out", "--only", "again"];
    assert!(bench.recon(&again).expect(0, &[]).stderr.contains("bench of 2 cells: 2 done\n"));
    let told = bench.recon(&[&again[..], &["--log-format", "json"]].concat()).expect(0, &[]).stderr;
    assert!(told.contains("\"event\":\"board\"") && told.contains("bench of 2 cells: 2 done"), "{told}");
}

#[test]
fn the_oracle_row_is_the_best_of_its_entries_and_says_so() {
    let bench = Bench::new();
    bench.recon(&["bench", SUITE, "--output", "out", "--only", "again", "-q"]).expect(0, &[]);
    let reports = [0, 1].map(|seed| bench.json(&format!("out/bench/again/base/seed-{seed}/report.json")));
    let mean = |name: &str| {
        let psnr = |report: &Value| {
            let methods = report["methods"].as_array().unwrap();
            methods.iter().find(|method| method["name"] == name).unwrap()["metrics"]["psnr_db"].as_f64().unwrap()
        };
        (reports.iter().map(psnr).sum::<f64>() / 2.0, (psnr(&reports[0]) - psnr(&reports[1])).abs() / 2f64.sqrt())
    };
    let best =
        ["fdk-best-1", "fdk-best-2", "fdk-best-3"].map(mean).into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let all = rows(&bench.json("out/bench/table.json"));
    let oracles: Vec<&Value> = all.iter().filter(|row| row["method"].as_str().unwrap().contains("fdk-best")).collect();
    assert_eq!(oracles.len(), 1, "one row for all of its entries");
    assert_eq!(oracles[0]["method"], "fdk-best (oracle)");
    assert!((oracles[0]["psnr_db"].as_f64().unwrap() - best.0).abs() < 1e-12 && oracles[0]["seeds"] == 2);
    assert!(
        (oracles[0]["psnr_db_spread"].as_f64().unwrap() - best.1).abs() < 1e-9,
        "the standard deviation of two values"
    );
    assert!(oracles[0]["note"].as_str().unwrap().starts_with("fdk.filter="));
}

#[test]
fn a_run_that_goes_on_computes_nothing_twice() {
    let bench = Bench::new();
    let part = ["bench", SUITE, "--output", "out", "--only", "cone*views-8"];
    bench
        .recon(&[&part[..], &["--max-seconds", "0"]].concat())
        .expect(75, &["8 of 8 rows are missing", "run the same command to continue"]);
    let table = std::fs::read_to_string(bench.path("out/bench/table.md")).unwrap();
    assert!(table.contains("8 of 8 rows are missing") && table.contains("missing"), "{table}");
    bench.recon(&part).expect(0, &[]);
    let (first, lines) = (bench.json("out/bench/table.json"), csv(&bench, "out/bench/table.csv"));
    assert_eq!((&first["missing"], lines.len()), (&0.into(), 9));
    bench.recon(&part).expect(0, &[]);
    assert_eq!(bench.json("out/bench/table.json"), first, "the very same seconds: nothing was computed anew");
    assert_eq!(bench.computed("out/bench/cone/views-8_noise-1e4/seed-0/report.json"), ["export"]);
}

#[test]
fn the_section_of_a_file_is_written_by_the_command_and_nothing_else_is_touched() {
    let bench = Bench::new();
    bench.write(
        "notes.md",
        "# Notes\n\nBy hand.\n\n<!-- bench:bench-quick -->\nwhat stood here\n<!-- /bench:bench-quick -->\n\nAfter.\n",
    );
    let args = ["bench", SUITE, "--quick", "--output", "out", "--write", "notes.md", "-q"];
    bench.recon(&args).expect(0, &[]);
    let once = std::fs::read_to_string(bench.path("notes.md")).unwrap();
    assert!(
        once.starts_with("# Notes\n\nBy hand.\n\n<!-- bench:bench-quick -->\n## A tiny benchmark\n\n`recon bench "),
        "{once}"
    );
    assert!(once.ends_with("<!-- /bench:bench-quick -->\n\nAfter.\n") && !once.contains("what stood here"), "{once}");
    let table = std::fs::read_to_string(bench.path("out/bench-quick/table.md")).unwrap();
    assert!(once.contains(table.trim_end()) && once.contains("recon 0."), "{once}");
    bench.recon(&args).expect(0, &[]);
    assert_eq!(std::fs::read_to_string(bench.path("notes.md")).unwrap(), once);
}

#[test]
fn a_suite_that_makes_no_sense_is_refused_where_it_stands() {
    let text = std::fs::read_to_string(SUITE).unwrap();
    for (good, bad, said) in [
        ("iterations: 5", "iteratoins: 5", "methods.quick[2].tv.iteratoins: unknown key, did you mean `iterations`?"),
        ("oracle: {key", "oracel: {key", "did you mean `oracle`?"),
        (
            "photons=1e4]",
            "photon=1e4]",
            "bench.cone.vary.noise.1e4.simulate.noise.photon: unknown key, did you mean `photons`?",
        ),
        ("photons=1e4]", "photons]", "expected key=value"),
        (
            "key: fdk.filter",
            "key: fdk.fliter",
            "bench.cone.methods[fdk-best].oracle.reconstruct[0].fdk.fliter: unknown key",
        ),
        (
            "methods: [quick, wrong]",
            "methods: [quik]",
            "bench.yaml: cases[0].methods[0]: no list `quik`, did you mean `quick`?",
        ),
        ("keep: {views", "keep: {veiws", "cases[0].quick.keep.veiws: no such axis, did you mean `views`?"),
        ("keep: {views: [\"8\"]", "keep: {views: []", "cases[0].quick.keep.views: expected at least one setting"),
        ("    noise: {none", "    method: {none", "cases[0].vary.method: this is a column of the tables"),
        ("name: again", "name: cone", "cases[1].name: `cone` is taken"),
        ("shape: [16, 16, 16]", "shape: [16, 16, many]", "cases[0].pipeline.grid.shape[2]"),
    ] {
        let changed = text.replacen(good, bad, 1);
        assert_ne!(changed, text, "{good}");
        let parsed = Suite::parse(&changed, "bench.yaml", "bench", Path::new(""));
        let error = parsed.and_then(|suite| Expansion::default().settings(&suite)).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(said), "expected `{said}` in {error}");
    }
    let without = text.replace("methods: [quick, wrong]", "methods: []").replace("methods: [quick]", "methods: []");
    let suite = Suite::parse(&without, "bench.yaml", "bench", Path::new("")).unwrap();
    let error = Expansion::default().settings(&suite).unwrap_err();
    assert!(error.to_string().contains("bench.cone.reconstruct: expected at least one method"), "{error}");
    let bench = Bench::new();
    bench.write("bad.yaml", &text.replacen("iterations: 5", "iteratoins: 5", 1));
    bench
        .recon(&["bench", "bad.yaml"])
        .expect(2, &["bad.yaml:7:21: methods.quick[2].tv.iteratoins: unknown key", "          ^"]);
    bench.recon(&["bench", "shep-logan"]).expect(2, &["did you mean `shepp-logan`?"]);
    bench.recon(&["bench", "nowhere.yaml"]).expect(3, &["nowhere.yaml: no such file"]);
    bench.recon(&["bench", SUITE, "--only", "nothing"]).expect(2, &["nothing matches --only nothing"]);
    bench.recon(&["bench", SUITE, "--max-seconds=-1"]).expect(2, &["--max-seconds"]);
}

#[test]
fn every_setting_of_every_built_in_suite_is_a_pipeline() {
    let folder = tempfile::tempdir().unwrap();
    let variables =
        Variables { phantoms: folder.path().join("phantoms"), data: Some(PathBuf::from("/data/that/is/not/there")) };
    variables.write_phantoms().unwrap();
    for built_in in BUILT_IN {
        let suite = Suite::find(built_in.name).unwrap();
        assert!(!suite.title.is_empty(), "`recon bench` shows a line about {}", built_in.name);
        for quick in [false, true] {
            let expansion =
                Expansion { quick, only: Only::default(), assignments: Vec::new(), variables: variables.clone() };
            let settings = expansion.settings(&suite).unwrap_or_else(|error| panic!("{}: {error}", built_in.name));
            for setting in &settings {
                Pipeline::new(setting.run(0))
                    .unwrap_or_else(|error| panic!("{} {}: {error}", setting.case, setting.label()));
                let phantom = setting
                    .config
                    .load
                    .as_ref()
                    .is_some_and(|load| load.kind.as_part().path().starts_with(&variables.phantoms));
                assert_eq!(setting.skip.is_none(), phantom, "{} needs data", setting.case);
            }
            let mut folders: Vec<PathBuf> = settings.iter().map(|setting| setting.folder(0)).collect();
            folders.sort();
            folders.dedup();
            assert_eq!(folders.len(), settings.len(), "each setting has a folder of its own");
        }
    }
    let shepp = Suite::find("shepp-logan").unwrap();
    let expansion = Expansion { variables, ..Expansion::default() };
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for setting in expansion.settings(&shepp).unwrap() {
        *found.entry(setting.case).or_default() += 1;
    }
    let expected = [
        ("2d-parallel", 9),
        ("2d-limited-angle", 3),
        ("2d-networks", 3),
        ("3d-cone-64", 9),
        ("3d-networks", 1),
        ("3d-cone-128", 1),
    ];
    assert_eq!(found, expected.map(|(case, settings)| (case.to_owned(), settings)).into());
}

#[test]
fn the_schema_of_suites_takes_the_built_in_ones_and_refuses_what_the_parser_refuses() {
    let schema = Suite::schema();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let value = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
    for built_in in BUILT_IN {
        let found =
            validator.validate(&value(built_in.text)).map_err(|error| format!("{error} at {}", error.instance_path()));
        assert_eq!(found, Ok(()), "{}", built_in.name);
    }
    let text = std::fs::read_to_string(SUITE).unwrap();
    for (good, bad) in [("vary:", "vray:"), ("filter: hann", "filter: han"), ("key: fdk", "kye: fdk")] {
        assert!(!validator.is_valid(&value(&text.replacen(good, bad, 1))), "the schema took {bad}");
    }
    assert!(Suite::parse(&text, "bench.yaml", "bench", Path::new("")).is_ok());
}

#[test]
fn the_device_itself_is_measured_with_small_sizes_on_the_cpu() {
    let bench = Bench::new();
    let outcome = bench.recon(&["bench", "device", "--device", "cpu", "--output", "out"]).expect(0, &[]);
    let table = bench.json("out/device/table.json");
    let markdown = std::fs::read_to_string(bench.path("out/device/table.md")).unwrap();
    assert_eq!(outcome.stdout.trim_end(), markdown.trim_end());
    assert_eq!(table["device"], "cpu");
    let rows = rows(&table);
    for part in ["matrix product bf16", "copy", "Joseph adjoint", "SIREN 3x256 step", "hash grid step", "TV fit"] {
        let row = rows.iter().find(|row| row["name"].as_str().unwrap().starts_with(part));
        let row = row.unwrap_or_else(|| panic!("no row {part} in {table}"));
        assert!(row["seconds"].as_f64().unwrap() > 0.0 && row["rate"].as_f64().unwrap() > 0.0, "{row}");
        let judged = part.contains("Joseph") || part.contains("step");
        assert_eq!(row["fraction"].is_number(), judged, "{row}");
    }
}
