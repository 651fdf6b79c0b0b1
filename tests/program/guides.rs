//! Tests of the commands that guide a user: pipelines to begin with, pages that are made again, comparisons of runs,
//! and answers to typical mistakes. Help texts and messages are compared with those that are stored in
//! tests/data/snapshots; RECON_UPDATE_SNAPSHOTS=1 stores them anew.

use crate::common::{Bench, Outcome, TINY};
use std::path::Path;

/// Compares a text with the stored one of this name.
#[track_caller]
fn snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/snapshots").join(format!("{name}.txt"));
    if std::env::var("RECON_UPDATE_SNAPSHOTS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == text, "{name} is not what is stored (RECON_UPDATE_SNAPSHOTS=1 stores it):\n{text}");
}

#[test]
fn every_kind_of_beginning_is_a_pipeline_that_runs_once_its_paths_are_set() {
    let bench = Bench::new();
    for (kind, file) in [("ct", "ct.yaml"), ("nerf", "nerf.yaml"), ("batch", "case.yaml")] {
        let made = bench.recon(&["init", kind, "--output", kind]).expect(0, &["next: recon"]).stdout;
        assert!(made.lines().all(|path| bench.path(path).is_file()), "{made}");
        let text = std::fs::read_to_string(bench.path(kind).join(file)).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=pipeline.schema.json\n") && !text.contains("../"));
        bench.recon(&["check", &format!("{kind}/{file}")]).expect(0, &[]);
    }
    bench.recon(&["batch", "submit", "batch/batch.yaml", "--dry-run"]).expect(0, &[]);
    let phantom = crate::common::SHEPP_LOGAN;
    bench.recon(&["phantom", phantom, "-o", "ct.nii.gz", "--shape", "40,40,40"]).expect(0, &[]);
    for kind in ["nifti", "dicom"] {
        bench.recon(&["init", kind, "-o", kind]).expect(0, &[]);
        bench.recon(&["check", &format!("{kind}/{kind}.yaml"), "--set", "load.nifti.path=ct.nii.gz"]).expect(0, &[]);
    }
    bench.recon(&["init", "measured"]).expect(0, &["recon check measured.yaml"]);
    bench.recon(&["check", "measured.yaml"]).expect(3, &["scan"]);
    bench.recon(&["init", "measured"]).expect(2, &["measured.yaml is there already", "another folder"]);
}

#[test]
fn a_page_is_made_again_from_its_folder_and_the_folder_stays_whole() {
    let bench = Bench::new();
    bench.quick(&[]).expect(0, &["open out/report.html"]);
    let first = std::fs::read_to_string(bench.path("out/report.html")).unwrap();
    std::fs::write(bench.path("out/report.html"), "spoiled").unwrap();
    bench.recon(&["verify", "out"]).expect(3, &["report.html"]);
    let again = bench.recon(&["report", "out"]).expect(0, &["fdk"]);
    assert_eq!(again.stdout.trim(), "out/report.html");
    let second = std::fs::read_to_string(bench.path("out/report.html")).unwrap();
    let visible = |page: &str| page.split("<script").next().unwrap().to_string();
    // The section of facts is not compared: it lists the hashes of the outputs, which by now include the page itself.
    let before_facts = |page: &str| visible(page).split("id=\"facts\"").next().unwrap().to_string();
    assert_eq!(before_facts(&first), before_facts(&second));
    assert!(second.contains("recon run pipeline.yaml --output again"));
    bench.recon(&["verify", "out"]).expect(0, &[]);
    bench.recon(&["report", "nowhere"]).expect(3, &["nowhere: no such file or folder"]);
    bench.write("empty/notes.txt", "x");
    bench.recon(&["report", "empty"]).expect(3, &["expected the folder of a finished run"]);
    bench.write("out/report.json", "{\"schema\": 1");
    bench.recon(&["report", "out"]).expect(3, &["report.json: damaged"]);
}

#[test]
fn runs_are_compared_by_the_names_of_their_methods_and_on_one_page() {
    let bench = Bench::new();
    bench.quick(&[]).expect(0, &[]);
    let more = ["run", TINY, "--set", "export.volumes=[nifti]", "--output"];
    let run = |output: &str, set: &str| bench.recon(&[&more[..], &[output, "--set", set]].concat()).expect(0, &[]);
    run("other", "reconstruct=[{fdk: {filter: cosine}}, {name: second, fdk: {}}]");
    run("alien", "reconstruct=[{name: alone, fdk: {}}]");
    let text = bench.recon(&["compare", "out", "other"]).expect(0, &["other has fdk, second"]).stdout;
    assert!(text.contains("psnr_db") && text.contains("different"), "{text}");
    let figures = bench.recon(&["compare", "out", "other", "--json"]).expect(0, &[]).stdout;
    let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(figures.as_object().unwrap().keys().collect::<Vec<_>>(), ["fdk"], "only what both runs have");
    assert_eq!(figures["fdk"]["same_bytes"], false);
    assert!(bench.recon(&["compare", "out", "out"]).expect(0, &[]).stdout.contains("identical"));
    bench.recon(&["compare", "out", "alien"]).expect(3, &["out has fdk; alien has alone", "recon report"]);
    bench.recon(&["compare", "out", "out/truth.nii.gz"]).expect(3, &["got one of each", "out/fdk/volume.nii.gz"]);
    bench.recon(&["report", "out", "other", "-o", "both.html"]).expect(0, &["out/fdk", "other/second"]);
    let page = std::fs::read_to_string(bench.path("both.html")).unwrap();
    assert!(["out/fdk", "other/fdk", "other/second", "other: processor"].iter().all(|name| page.contains(name)));
    assert!(!page.contains("different_truth") && page.contains("out/fdk minus truth"));
    run("seeded", "grid.shape=[8, 8, 8]");
    bench.recon(&["report", "out", "seeded"]).expect(0, &[]);
    assert!(std::fs::read_to_string(bench.path("comparison.html")).unwrap().contains("different_truth"));
}

#[test]
fn volumes_on_other_grids_are_compared_after_resampling_and_never_in_the_words_of_the_code() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    for (name, shape) in [("a.nii.gz", "16,16,16"), ("b.nii.gz", "12,12,12")] {
        bench.recon(&["phantom", phantom, "-o", name, "--shape", shape]).expect(0, &[]);
    }
    let refused = bench.recon(&["compare", "a.nii.gz", "b.nii.gz"]).expect(3, &["16 x 16 x 16 voxels", "--resample"]);
    assert!(!refused.stderr.contains('{') && !refused.stderr.contains("Grid"), "{}", refused.stderr);
    assert!(bench.recon(&["compare", "a.nii.gz", "b.nii.gz", "--resample"]).expect(0, &[]).stdout.contains("nrmse"));
}

#[test]
fn help_is_what_is_stored_and_fits_on_a_line() {
    let bench = Bench::new();
    let verbs = [
        "run",
        "check",
        "init",
        "info",
        "report",
        "compare",
        "phantom",
        "render",
        "bench",
        "batch",
        "task",
        "schema",
        "train-prior",
        "verify",
        "doctor",
        "completions",
    ];
    let said = |args: &[&str]| {
        let output = bench.command(args).env_remove("COLUMNS").output().unwrap();
        Outcome::from(output).expect(0, &[]).stdout
    };
    let mut all = said(&["--help"]);
    for verb in verbs {
        let help = said(&[verb, "--help"]);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        all.extend(["\n$ recon ", verb, " --help\n", help.as_str()]);
    }
    snapshot("help", &all);
}

#[test]
fn typical_mistakes_get_the_answer_that_is_stored() {
    let bench = Bench::new();
    let tiny = std::fs::read_to_string(TINY).unwrap();
    let phantom = crate::common::SHEPP_LOGAN;
    let text = |from: &str, to: &str| {
        assert!(tiny.contains(from), "{from}");
        tiny.replace(from, to).replace("../../phantoms/shepp-logan.yaml", phantom)
    };
    let pipelines = [
        ("typo of a key", text("views: 12", "veiws: 12")),
        ("unknown method", text("- fdk: {filter: hann}", "- fdkk: {filter: hann}")),
        ("unknown filter", text("filter: hann", "filter: hamn")),
        ("a tab", text("  geometry:", "\tgeometry:")),
        ("a word for a number", text("views: 12", "views: many")),
        ("metres for millimetres", text("source_to_axis_mm: 500", "source_to_axis_mm: 0.5")),
        ("a detector between source and axis", text("source_to_detector_mm: 700", "source_to_detector_mm: 300")),
        ("a key twice", format!("{tiny}\nseed: 1\nseed: 2\n")),
    ];
    let mut all = String::new();
    let mut said = |what: &str, args: &[&str]| {
        let outcome = bench.recon(args);
        assert!((2..=5).contains(&outcome.code), "{what}: {outcome:?}");
        let (command, code) = (args.join(" "), outcome.code.to_string());
        all.extend(["# ", what, ": recon ", &command, " (exit code ", &code, ")\n", &outcome.stderr, "\n"]);
    };
    for (what, text) in &pipelines {
        bench.write("p.yaml", text);
        said(what, &["-q", "check", "p.yaml"]);
    }
    bench.write("folder/a.txt", "x");
    said("a folder for a pipeline", &["run", "folder"]);
    said("a file that is not there", &["run", "pipelnie.yaml"]);
    said("a flag that is not there", &["run", "p.yaml", "--ouput", "x"]);
    said("a command that is not there", &["rnu", "p.yaml"]);
    snapshot("mistakes", &all.replace(phantom, "PHANTOM"));
}
