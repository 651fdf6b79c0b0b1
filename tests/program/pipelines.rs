//! Tests of every shipped pipeline: it parses, is valid by the schema that editors use, and can run; the tiny one is
//! run.

use crate::common::{Bench, TINY, data};
use recon::pipeline::{Assignment, Config, Pipeline};
use std::path::{Path, PathBuf};

fn shipped() -> Vec<PathBuf> {
    let folders =
        ["pipelines", "pipelines/geometries"].map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    // pipelines/batch.yaml is a study of many runs, which tests/program/batch.rs tests.
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml") && !path.ends_with("batch.yaml"));
    files.sort();
    assert!(files.len() >= 20, "{files:?}");
    files.push(PathBuf::from(TINY));
    files
}

fn value(text: &str) -> serde_json::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn every_shipped_pipeline_is_valid_by_its_schema_and_so_is_its_resolved_form() {
    let schema = Config::schema();
    jsonschema::draft7::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    for file in shipped() {
        let text = std::fs::read_to_string(&file).unwrap();
        validator
            .validate(&value(&text))
            .unwrap_or_else(|error| panic!("{}: {error} at {}", file.display(), error.instance_path()));
        let resolved = serde_yaml::to_string(&Pipeline::read(&file, &[]).unwrap().config).unwrap();
        validator.validate(&value(&resolved)).unwrap_or_else(|error| panic!("{} resolved: {error}", file.display()));
    }
}

/// Returns whether a property is described, by itself or by the definition to which it refers.
fn described(property: &serde_json::Value, schema: &serde_json::Value) -> bool {
    let own = property["description"].as_str().is_some_and(|text| text.len() > 2);
    let named = || property["$ref"].as_str().and_then(|place| schema.pointer(place.trim_start_matches('#')));
    let any = |key: &str| property[key].as_array().is_some_and(|all| all.iter().any(|one| described(one, schema)));
    own || named().is_some_and(|there| described(there, schema)) || any("allOf") || any("anyOf")
}

fn undescribed(node: &serde_json::Value, place: &str, schema: &serde_json::Value, found: &mut Vec<String>) {
    let under = |key: &str| format!("{place}/{key}");
    match node {
        serde_json::Value::Object(map) => {
            let properties = map.get("properties").and_then(|all| all.as_object());
            let silent = properties.into_iter().flatten().filter(|(_, property)| !described(property, schema));
            found.extend(silent.map(|(key, _)| under(key)));
            map.iter().for_each(|(key, inner)| undescribed(inner, &under(key), schema, found));
        }
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, inner)| undescribed(inner, &under(&i.to_string()), schema, found));
        }
        _ => {}
    }
}

#[test]
fn every_key_of_every_schema_is_described() {
    let schemas = [Config::schema(), recon::batch::Study::schema(), recon::benchmarks::Suite::schema()];
    for (i, schema) in schemas.iter().enumerate() {
        let mut found = Vec::new();
        undescribed(schema, "", schema, &mut found);
        assert!(found.is_empty(), "schema {i}: {found:?}");
    }
}

#[test]
fn every_shipped_pipeline_names_the_schema_that_editors_use() {
    for file in shipped().into_iter().filter(|file| file.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines")))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema="), "{}", file.display());
    }
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let validator = jsonschema::draft7::new(&Config::schema()).unwrap();
    let text = std::fs::read_to_string(TINY).unwrap();
    for (good, bad) in [
        ("views: 12", "veiws: 12"),
        ("filter: hann", "filter: han"),
        ("  - fdk: {filter: hann}", "  - {fdk: {}, tv: {}}"),
        ("shape: [16, 16, 16]", "shape: many"),
        ("volumes: [nifti, dicom]", "volumes: [minc]"),
    ] {
        let changed = text.replace(good, bad);
        assert_ne!(changed, text, "{good}");
        assert!(!validator.is_valid(&value(&changed)), "the schema took {bad}");
        let bench = Bench::new();
        let file = bench.write("bad.yaml", &changed);
        assert!(Pipeline::read(&file, &[]).is_err(), "the parser took {bad}");
    }
}

#[test]
fn every_shipped_pipeline_survives_being_written_out_and_read_again() {
    for file in shipped() {
        let once = Pipeline::read(&file, &[]).unwrap().config;
        let bench = Bench::new();
        let there = once.with_paths(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).unwrap();
        let copy = bench.write("copy.yaml", &serde_yaml::to_string(&there).unwrap());
        let again = Pipeline::read(&copy, &[]).unwrap().config;
        let below = |path: &PathBuf| path.strip_prefix(copy.parent().unwrap()).unwrap_or(path).to_path_buf();
        let again = again.with_paths(below).unwrap();
        assert_eq!(again, there, "{}", file.display());
    }
}

#[test]
fn every_shipped_pipeline_can_run_on_a_phantom() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    bench.recon(&["phantom", phantom, "-o", "ct.nii.gz", "--shape", "40,40,40"]).expect(0, &[]);
    'pipelines: for file in shipped() {
        let name = file.display().to_string();
        // This pipeline reads a folder of images that a user has; tests/program/guides.rs checks it.
        if name.ends_with("measured.yaml") {
            continue;
        }
        let mut sets: Vec<String> = Vec::new();
        let mut args = vec!["check", &name];
        if ["nifti.yaml", "dicom.yaml", "slice.yaml", "refined.yaml", "nerf-ct.yaml"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            args.extend(["--set", "load.nifti.path=ct.nii.gz"]);
        }
        // Measured data are not part of the repository.
        for (pipeline, key, file) in [
            ("aps-tooth.yaml", "acquire.hdf5.path", "projections/aps_tooth_parallel/tooth.h5"),
            ("htc2022-fan.yaml", "acquire.mat.path", "projections/htc2022_fan/ta_subsample73.mat"),
        ] {
            if name.ends_with(pipeline) {
                let Some(found) = data("every_shipped_pipeline_can_run_on_a_phantom", file) else {
                    continue 'pipelines;
                };
                sets.push(format!("{key}={}", found.display()));
            }
        }
        args.extend(sets.iter().flat_map(|set| ["--set", set.as_str()]));
        let plan = bench.recon(&args).expect(0, &[]);
        // A shifted detector and a helix see only a part of the object in each view, by intention.
        let partial = ["half-fan.yaml", "helical.yaml"].iter().any(|meant| name.ends_with(meant));
        assert_eq!(plan.stderr.contains("[truncated]"), partial, "{name}: {}", plan.stderr);
    }
}

#[test]
fn the_seed_is_the_noise_and_the_same_seed_the_same_bits() {
    let bench = Bench::new();
    let mut projections = Vec::new();
    for (output, seed) in [("a", "seed=1"), ("b", "seed=1"), ("c", "seed=2")] {
        bench.recon(&["run", TINY, "--output", output, "--set", seed, "--until", "simulate"]).expect(0, &[]);
        projections.push(std::fs::read(bench.path(output).join("projections.npy")).unwrap());
    }
    assert_eq!(projections[0], projections[1]);
    assert_ne!(projections[0], projections[2]);
}

#[test]
fn assignments_to_a_shipped_pipeline_reach_its_named_methods() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/ct.yaml");
    let set: Assignment = "reconstruct[siren].neural_field.steps=7".parse().unwrap();
    let config = Pipeline::read(&file, &[set]).unwrap().config;
    let siren = config.reconstruct.iter().find(|entry| entry.keys.name.as_deref() == Some("siren")).unwrap();
    assert_eq!(serde_json::to_value(siren).unwrap()["neural_field"]["steps"], 7);
}

/// A volume that another tool made is listed among the methods and evaluated like them, and other methods can start
/// from it.
#[test]
fn a_volume_from_a_file_is_measured_as_it_was_and_started_from() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    let scan = format!(
        "load: {{phantom: {{file: {phantom}}}}}\ngrid: {{shape: [16, 16, 16]}}\nsimulate: {{geometry: {{cone: {{views: \
         12, source_to_axis_mm: 500, \
         source_to_detector_mm: 700, detector: {{pixels: [24, 24], pitch_mm: 15}}}}}}}}\n"
    );
    let report = |name: &str, methods: &str| -> serde_json::Value {
        let file = bench.write(&format!("{name}.yaml"), &format!("{scan}reconstruct: {methods}\n"));
        bench.recon(&["run", file.to_str().unwrap(), "--output", name]).expect(0, &[]);
        serde_json::from_str(&std::fs::read_to_string(bench.path(&format!("{name}/report.json"))).unwrap()).unwrap()
    };
    let psnr = |report: &serde_json::Value, i: usize| report["methods"][i]["metrics"]["psnr_db"].as_f64().unwrap();
    let made = report("a", "[{tv: {iterations: 60}}]");
    let given = report(
        "b",
        "[{name: theirs, volume: {path: a/tv/volume.nii.gz}}, \
         {name: net, start_from: theirs, neural_field: {start: null, field: {siren: {width: 32, depth: 2, omega: 10}}, \
         steps: 1}}]",
    );
    assert!((psnr(&made, 0) - psnr(&given, 0)).abs() < 1e-3);
    assert_eq!(given["methods"][1]["notes"]["start"]["algorithm"], "start_from");
    for (methods, words) in [
        ("[{volume: {path: nowhere.nii}}]", "nowhere.nii is not there"),
        ("[tv, {name: x, start_from: y, tv: {}}]", "start_from"),
        ("[{name: x, projector: joseph, fdk: {}}]", "projector"),
    ] {
        let file = bench.write("c.yaml", &format!("{scan}reconstruct: {methods}\n"));
        bench.recon(&["run", file.to_str().unwrap(), "--output", "c"]).expect(2, &[words]);
    }
}
