//! Tests of the command line: its messages, its exit codes, and the files that it leaves.

use crate::common::{Bench, Outcome, TINY, data_or_skip};

#[test]
fn an_unknown_key_is_shown_with_its_line_and_column_and_the_key_that_was_meant() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(TINY).unwrap().replace("filter: hann", "fliter: hann");
    bench.write("bad.yaml", &text);
    let outcome = bench
        .recon(&["run", "bad.yaml"])
        .expect(2, &["reconstruct[0].fdk.fliter: unknown key, did you mean `filter`?"]);
    let line = text.lines().position(|line| line.contains("fliter")).unwrap() + 1;
    assert!(outcome.stderr.contains(&format!("bad.yaml:{line}:11:")), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("|           ^"), "the caret stands under the key: {}", outcome.stderr);
    assert!(!bench.path("runs").exists(), "nothing is made for a pipeline that cannot run");
}

#[test]
fn a_set_key_that_is_mistyped_gets_the_key_that_was_meant() {
    let bench = Bench::new();
    bench
        .quick(&["--set", "simulate.noise.photon=1e4"])
        .expect(2, &["simulate.noise.photon: unknown key, did you mean `photons`?"]);
    bench.quick(&["--set", "reconstruct[fdkk].fdk.filter=hann"]).expect(2, &["no such entry"]);
    bench.quick(&["--until", "simulat"]).expect(2, &["did you mean `simulate`?"]);
    bench.recon(&["chekc", TINY]).expect(2, &["chekc"]);
}

#[test]
fn values_that_make_no_sense_are_refused_before_any_work() {
    let bench = Bench::new();
    for (set, said) in [
        ("simulate.geometry.cone.views=0", "simulate.geometry.cone.views"),
        ("simulate.noise.photons=-1", "simulate.noise.photons"),
        ("simulate.subrays=[0, 1]", "simulate.subrays"),
        ("grid.shape=[4, 4]", "grid.shape"),
        ("grid.shape=[100000, 100000, 100000]", "grid"),
        ("evaluate.metrics=[psnr]", "did you mean `psnr_db`?"),
        ("name=../elsewhere", "name: expected"),
        ("load.clip_hu=[0, 100]", "phantom"),
        ("reconstruct=[{tv: {iterations: 0}}]", "reconstruct[0].tv.iterations"),
        ("reconstruct=[{neural_field: {steps: 0, start: null}}]", "reconstruct[0].neural_field.steps"),
    ] {
        bench.quick(&["--set", set]).expect(2, &[said]);
    }
    assert!(!bench.path("out/report.json").exists() && !bench.path("out/fdk").exists());
}

#[test]
fn a_missing_input_is_an_input_error_with_its_name() {
    let bench = Bench::new();
    bench.recon(&["run", "nowhere.yaml"]).expect(3, &["nowhere.yaml: no such file"]);
    bench.quick(&["--set", "load.phantom.file=nowhere.yaml"]).expect(3, &["nowhere.yaml: no such file"]);
    bench.quick(&["--set", "load.nifti.path=nowhere.nii.gz"]).expect(3, &["no such file", "load.nifti.path"]);
    bench.quick(&["--set", "load.dicom.path=nowhere"]).expect(3, &["no such file or folder"]);
    bench.recon(&["info", "nowhere"]).expect(3, &["nowhere"]);
    bench.recon(&["verify", "."]).expect(3, &["manifest.json: no such file"]);
}

#[test]
fn a_folder_without_dicom_says_so() {
    let bench = Bench::new();
    bench.write("notes/readme.txt", "no pixels here");
    bench.quick(&["--set", "load.dicom.path=notes"]).expect(3, &["no DICOM image", "input-1 is load.dicom.path"]);
}

#[test]
fn a_truncated_nifti_is_refused_and_leaves_nothing_half_written() {
    let bench = Bench::new();
    bench.quick(&["--until", "simulate"]).expect(0, &[]);
    let bytes = std::fs::read(bench.path("out/truth.nii.gz")).unwrap();
    std::fs::write(bench.path("cut.nii.gz"), &bytes[..bytes.len() / 2]).unwrap();
    let args = ["run", TINY, "--output", "other", "--set", "load.nifti.path=cut.nii.gz", "--set", "grid="];
    bench.recon(&args).expect(3, &["input-1 is load.nifti.path"]);
    let left: Vec<String> = bench.files("other").into_iter().filter(|file| !file.starts_with(".cache/")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_gpu_that_is_not_there_is_a_resource_error_with_the_reason() {
    let bench = Bench::new();
    let outcome = bench.command(&["run", TINY, "--output", "out", "--device", "cuda:99"]).output().unwrap();
    Outcome::from(outcome).expect(5, &["cuda:99"]);
    bench.quick(&["--device", "gpu"]).expect(2, &["expected auto, cpu, cuda or cuda:N"]);
}

#[test]
fn an_output_that_cannot_be_written_is_a_resource_error_before_any_work() {
    let bench = Bench::new();
    bench.write("file", "");
    bench.recon(&["run", TINY, "--output", "file/run"]).expect(5, &["file/run", "cannot write"]);
    bench.recon(&["check", TINY, "--output", "file/run"]).expect(5, &["file/run"]);
    let phantom = crate::common::SHEPP_LOGAN;
    bench.recon(&["phantom", phantom, "-o", "no/folder/a.nii", "--shape", "4,4,4"]).expect(5, &["no/folder/a.nii"]);
}

#[test]
fn what_is_done_is_not_done_again() {
    let bench = Bench::new();
    let computed = || bench.computed("out/report.json");
    bench.quick(&[]).expect(0, &[]);
    assert_eq!(computed(), ["load", "simulate", "reconstruct", "evaluate", "export"]);
    bench.quick(&[]).expect(0, &["unchanged since an earlier run: load, simulate, reconstruct, evaluate"]);
    assert_eq!(computed(), ["export"], "nothing twice");
    bench.quick(&["--set", "export.report=[json]", "-q"]).expect(0, &[]);
    assert_eq!(computed(), ["export"], "the report enters no key");
    bench.quick(&["--set", "evaluate.metrics=[mae_hu]"]).expect(0, &[]);
    assert_eq!(computed(), ["evaluate", "export"]);
    bench.quick(&["--set", "reconstruct[fdk].fdk.filter=cosine"]).expect(0, &[]);
    assert_eq!(computed(), ["reconstruct", "evaluate", "export"]);
    bench.quick(&["--set", "seed=1"]).expect(0, &[]);
    assert_eq!(computed(), ["load", "simulate", "reconstruct", "evaluate", "export"]);
    bench.quick(&["--set", "seed=1", "--force"]).expect(0, &[]);
    assert_eq!(computed(), ["load", "simulate", "reconstruct", "evaluate", "export"]);
}

#[test]
fn a_method_added_or_a_result_damaged_redoes_just_that() {
    let bench = Bench::new();
    bench.quick(&[]).expect(0, &[]);
    let first = std::fs::read(bench.path("out/fdk/volume.nii.gz")).unwrap();
    let seconds = || bench.json("out/report.json")["methods"][0]["seconds"].as_f64().unwrap();
    let once = seconds();
    let added = bench
        .quick(&["--set", "reconstruct=[fdk, {name: cosine, fdk: {filter: cosine}}]", "--log-format", "json"])
        .expect(0, &[]);
    assert!(added.stderr.contains("evaluate cosine") && !added.stderr.contains("evaluate fdk"), "{}", added.stderr);
    assert_eq!(bench.computed("out/report.json"), ["reconstruct", "evaluate", "export"]);
    assert_eq!(seconds(), once, "the very same seconds: FDK was not computed again");
    std::fs::write(bench.path("out/fdk/volume.nii.gz"), &first[..10]).unwrap();
    bench.quick(&[]).expect(0, &[]);
    assert_eq!(std::fs::read(bench.path("out/fdk/volume.nii.gz")).unwrap(), first, "the damaged volume was made again");
    assert_eq!(bench.computed("out/report.json"), ["reconstruct", "export"]);
}

#[test]
fn until_ends_after_the_stage_it_names() {
    let bench = Bench::new();
    bench.quick(&["--until", "load"]).expect(0, &[]);
    assert!(!bench.path("out/truth.nii.gz").exists());
    bench.quick(&["--until", "simulate"]).expect(0, &[]);
    assert!(bench.path("out/projections.npy").exists() && !bench.path("out/fdk").exists());
    bench.quick(&["--until", "reconstruct"]).expect(0, &[]);
    assert!(bench.path("out/fdk/volume.nii.gz").exists() && !bench.path("out/report.json").exists());
    bench.quick(&[]).expect(0, &["unchanged since an earlier run: load, simulate, reconstruct"]);
}

#[test]
fn the_run_folder_holds_what_is_promised() {
    let bench = Bench::new();
    bench.recon(&["run", TINY, "--output", "out"]).expect(0, &[]);
    let files = bench.files("out");
    for promised in [
        "pipeline.yaml",
        "report.html",
        "report.json",
        "report.csv",
        "manifest.json",
        "truth.nii.gz",
        "projections.npy",
        "geometry.json",
        "fdk/volume.nii.gz",
        "fdk/curve.csv",
        "siren/volume.nii.gz",
        "siren/curve.csv",
        "siren/checkpoint.safetensors",
        "siren/dicom/slice-0001.dcm",
    ] {
        assert!(files.contains(&promised.to_string()), "{promised} is not among {files:#?}");
    }
    assert!(files.iter().all(|file| !file.contains(".partial")));
    let report = bench.json("out/report.json");
    assert_eq!(
        (report["status"].as_str(), report["schema"].as_u64(), report["seed"].as_u64()),
        (Some("complete"), Some(1), Some(0))
    );
    let method = &report["methods"][0];
    assert!(method["metrics"]["psnr_db"].as_f64().unwrap() > 10.0 && method["metrics"]["psnr_db_fov"].is_number());
    assert!(
        method["peak_memory_bytes"].as_u64().unwrap() > 1 << 20
            && report["metric_definitions"]["psnr_db"]["data_range"].is_number()
    );
    let log = std::fs::read_to_string(bench.path("out/log.jsonl")).unwrap();
    assert!(log.lines().count() > 5 && log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn the_resolved_pipeline_of_a_run_is_the_same_experiment() {
    let bench = Bench::new();
    bench.quick(&[]).expect(0, &[]);
    bench
        .recon(&["run", "out/pipeline.yaml"])
        .expect(0, &["unchanged since an earlier run: load, simulate, reconstruct, evaluate"]);
}

#[test]
fn stdout_is_the_result_alone() {
    let bench = Bench::new();
    let run = bench.quick(&[]).expect(0, &["fdk"]);
    let listed: Vec<&str> = run.stdout.lines().collect();
    assert!(listed.contains(&"out/fdk/volume.nii.gz"), "{}", run.stdout);
    assert!(listed.iter().all(|line| bench.path(line).is_file()), "{}", run.stdout);
    let json = bench.quick(&["--json"]).expect(0, &[]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap()["name"], "tiny");
    let quiet = bench.quick(&["-q", "--force"]).expect(0, &[]);
    assert_eq!(quiet.stderr, "");
    let lines = bench.quick(&["--log-format", "json", "--force"]).expect(0, &[]);
    let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    assert!(lines.stderr.lines().count() > 5 && lines.stderr.lines().all(is_json), "{}", lines.stderr);
    let refused = bench.quick(&["--log-format", "json", "--set", "sed=1"]).expect(2, &["\"exit_code\":2"]);
    assert_eq!(refused.stdout, "");
}

#[test]
fn verify_names_the_file_whose_byte_has_changed() {
    let bench = Bench::new();
    bench.quick(&[]).expect(0, &[]);
    let fine = bench.recon(&["verify", "out"]).expect(0, &[]);
    assert!(fine.stdout.contains("unchanged"));
    let path = bench.path("out/fdk/volume.nii.gz");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    bench.recon(&["verify", "out"]).expect(3, &["out/fdk/volume.nii.gz: changed"]);
    std::fs::remove_file(bench.path("out/truth.nii.gz")).unwrap();
    bench.recon(&["verify", "out"]).expect(3, &["out/truth.nii.gz: no such file", "out/fdk/volume.nii.gz: changed"]);
}

#[test]
fn check_says_what_a_run_would_do_and_does_nothing() {
    let bench = Bench::new();
    let plan = bench.recon(&["check", TINY, "--output", "out"]).expect(0, &[]);
    for said in ["[16, 16, 16] voxels", "12 views of 24 x 24 pixels", "method siren", "seen by every view"] {
        assert!(plan.stdout.contains(said), "expected `{said}` in {}", plan.stdout);
    }
    assert!(!bench.path("out").exists());
    let narrow = ["check", TINY, "--set", "simulate.geometry.cone.detector.pixels=[8, 8]"];
    bench.recon(&narrow).expect(0, &["warning", "[truncated]"]);
}

#[test]
fn a_truncated_scan_is_reported_and_so_is_an_inverse_crime() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    bench.recon(&["phantom", phantom, "-o", "truth.nii.gz", "--shape", "16,16,16"]).expect(0, &[]);
    let narrow = "simulate.geometry.cone.detector.pixels=[8, 8]";
    bench
        .quick(&["--set", "load.nifti.path=truth.nii.gz", "--set", narrow])
        .expect(0, &["[truncated]", "[inverse_crime]"]);
    let report = bench.json("out/report.json");
    let codes: Vec<&str> =
        report["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"truncated") && codes.contains(&"inverse_crime"), "{codes:?}");
    bench
        .quick(&["--set", "load.nifti.path=truth.nii.gz", "--set", narrow])
        .expect(0, &["[truncated]", "[inverse_crime]", "unchanged"]);
}

#[test]
fn info_compare_phantom_schema_doctor_and_completions_answer() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    for (name, samples) in [("a.nii.gz", "4"), ("b.nii", "1")] {
        let made = bench
            .recon(&["phantom", phantom, "-o", name, "--shape", "12,16,16", "--supersampling", samples])
            .expect(0, &[]);
        assert_eq!(made.stdout.trim(), name);
    }
    assert!(bench.recon(&["info", "a.nii.gz"]).expect(0, &[]).stdout.contains("12 x 16 x 16"));
    let figures: serde_json::Value =
        serde_json::from_str(&bench.recon(&["compare", "a.nii.gz", "b.nii", "--json"]).expect(0, &[]).stdout).unwrap();
    assert!(figures["psnr_db"].as_f64().unwrap() > 15.0 && figures["rmse_hu"].as_f64().unwrap() > 0.0);
    assert!(bench.recon(&["compare", "a.nii.gz", "a.nii.gz"]).expect(0, &[]).stdout.contains("does not exist"));
    bench.recon(&["phantom", phantom, "-o", "c.nii", "--shape", "8,8,8"]).expect(0, &[]);
    bench.recon(&["compare", "a.nii.gz", "c.nii"]).expect(3, &["c.nii"]);
    assert!(bench.recon(&["doctor"]).expect(0, &[]).stdout.contains("libtorch"));
    assert!(bench.recon(&["schema"]).expect(0, &[]).stdout.contains("draft-07"));
    assert!(bench.recon(&["completions", "bash"]).expect(0, &[]).stdout.contains("complete"));
    assert!(bench.recon(&["--version"]).expect(0, &[]).stdout.starts_with("recon "));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::new();
    let mut child = bench.command(&["schema"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn hostile_yaml_is_refused() {
    let bench = Bench::new();
    let line = |i: usize| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
    let bomb: String =
        std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_string()).chain((1..12).map(line)).collect();
    let texts = [
        bomb,
        "x".repeat(2 << 20),
        format!("load: {}", "[".repeat(10_000)),
        "\tname: a".to_string(),
        String::new(),
        "name: a\nname: b".to_string(),
        "- 1".to_string(),
        "\u{0}".to_string(),
    ];
    for text in texts {
        bench.write("bad.yaml", &text);
        bench.recon(&["run", "bad.yaml"]).expect(2, &["bad.yaml"]);
    }
    std::fs::write(bench.path("bad.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    bench.recon(&["run", "bad.yaml"]).expect(3, &["bad.yaml"]);
}

#[test]
fn a_real_volume_and_a_real_series_are_scanned_and_reconstructed() {
    let (nifti, dicom) = (data_or_skip!("nifti/ct_thorax_cta_1.5mm"), data_or_skip!("dicom/sts013_ge_thigh_ct"));
    let file = std::fs::read_dir(nifti)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "gz"));
    let bench = Bench::new();
    for (pipeline, path) in [("nifti", file.unwrap()), ("dicom", dicom)] {
        let yaml = format!("{}/pipelines/{pipeline}.yaml", env!("CARGO_MANIFEST_DIR"));
        let input = format!("load.{pipeline}.path={}", path.display());
        let coarse = ["--set", "grid={spacing_mm: 8}", "--set", "reconstruct=[{fdk: {filter: hann}}]"];
        let mut args = vec!["run", &yaml, "--output", pipeline, "--set", &input];
        args.extend(coarse);
        bench.recon(&args).expect(0, &[]);
        let report = bench.json(&format!("{pipeline}/report.json"));
        let psnr = report["methods"][0]["metrics"]["psnr_db"].as_f64().unwrap();
        assert!(psnr > 18.0, "{pipeline}: {psnr} dB");
        assert!(bench.files(pipeline).contains(&"fdk/dicom/slice-0001.dcm".to_string()));
    }
}
