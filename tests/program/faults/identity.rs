//! Row 24 of the fault matrix: with `identity: drop` nothing that identifies the patient leaves the reader.

use super::pipeline;
use crate::common::{Bench, Outcome};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Canaries that are planted, by the type of an element; none of them may appear in any output.
const NAME: &str = "ZZCANARY";
const DATE: &str = "19331122";
const TIME: &str = "113355.775";
const AGE: &str = "077Y";
const UID: &str = "1.2.3.987654321.555";
const NUMBER: &str = "77.135791";
const INTEGER: &str = "7713579";
const SECRETS: [&str; 7] = [NAME, DATE, TIME, AGE, UID, NUMBER, INTEGER];

/// Elements whose text a reader of volumes needs; all other text elements get a canary.
const NEEDED: [Tag; 13] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::MODALITY,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PIXEL_SPACING,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::RESCALE_TYPE,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
];

/// Elements that a scanner writes and our own export does not.
const MORE: [(Tag, VR); 31] = [
    (tags::INSTITUTION_NAME, VR::LO),
    (tags::INSTITUTION_ADDRESS, VR::ST),
    (tags::STATION_NAME, VR::SH),
    (tags::OPERATORS_NAME, VR::PN),
    (tags::PERFORMING_PHYSICIAN_NAME, VR::PN),
    (tags::PHYSICIANS_OF_RECORD, VR::PN),
    (tags::OTHER_PATIENT_NAMES, VR::PN),
    (tags::PATIENT_ADDRESS, VR::LO),
    (tags::PATIENT_COMMENTS, VR::LT),
    (tags::PATIENT_AGE, VR::AS),
    (tags::PATIENT_WEIGHT, VR::DS),
    (tags::PATIENT_SIZE, VR::DS),
    (tags::ISSUER_OF_PATIENT_ID, VR::LO),
    (tags::STUDY_DESCRIPTION, VR::LO),
    (tags::SERIES_DATE, VR::DA),
    (tags::ACQUISITION_DATE, VR::DA),
    (tags::CONTENT_DATE, VR::DA),
    (tags::CONTENT_TIME, VR::TM),
    (tags::ACQUISITION_DATE_TIME, VR::DT),
    (tags::BODY_PART_EXAMINED, VR::CS),
    (tags::LATERALITY, VR::CS),
    (tags::PROTOCOL_NAME, VR::LO),
    (tags::DEVICE_SERIAL_NUMBER, VR::LO),
    (tags::CONTRAST_BOLUS_AGENT, VR::LO),
    (tags::REQUESTED_PROCEDURE_DESCRIPTION, VR::LO),
    (tags::IMAGE_COMMENTS, VR::LT),
    (tags::CONVOLUTION_KERNEL, VR::SH),
    (tags::POSITION_REFERENCE_INDICATOR, VR::LO),
    (tags::ACQUISITION_NUMBER, VR::IS),
    (tags::DEIDENTIFICATION_METHOD, VR::LO),
    (tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS),
];

fn canary(vr: VR) -> Option<&'static str> {
    match vr {
        VR::PN | VR::LO | VR::SH | VR::LT | VR::ST | VR::UT | VR::CS | VR::AE | VR::UC => Some(NAME),
        VR::DA | VR::DT => Some(DATE),
        VR::TM => Some(TIME),
        VR::AS => Some(AGE),
        VR::UI => Some(UID),
        VR::DS => Some(NUMBER),
        VR::IS => Some(INTEGER),
        _ => None,
    }
}

/// Fails unless the bytes hold every canary.
fn holds_all(bytes: &[u8]) {
    for secret in SECRETS {
        assert!(bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "the source has no {secret}");
    }
}

/// Writes a series with a canary in every text element, in the name of the folder and in those of the files; returns
/// the folder.
fn series(bench: &Bench) -> PathBuf {
    let phantom = crate::common::SHEPP_LOGAN;
    let text = pipeline(&format!("{{phantom: {{file: {phantom}}}}}"), "[fbp]", "volumes: [nifti, dicom]");
    bench.write("make.yaml", &text.replace("directory: out", "directory: made").replace("[5, 6, 6]", "[10, 12, 12]"));
    bench.recon(&["run", "make.yaml", "-q"]).expect(0, &[]);
    let folder = bench.path(&format!("{NAME}^JANE (1)/study {NAME}"));
    std::fs::create_dir_all(&folder).unwrap();
    for (number, entry) in std::fs::read_dir(bench.path("made/fbp/dicom")).unwrap().enumerate() {
        let mut object = dicom_object::open_file(entry.unwrap().path()).unwrap();
        let present: Vec<(Tag, VR)> = object.iter().map(|element| (element.header().tag, element.vr())).collect();
        for (tag, vr) in present.into_iter().chain(MORE) {
            if let (Some(text), false) = (canary(vr), NEEDED.contains(&tag)) {
                // Every instance needs a UID of its own.
                let own = if tag == tags::SOP_INSTANCE_UID { format!("{text}.{number}") } else { text.to_string() };
                object.put(DataElement::new(tag, vr, PrimitiveValue::from(own)));
            }
        }
        let file = folder.join(format!("{NAME}-{number}.dcm"));
        object.write_to_file(&file).unwrap();
        holds_all(&std::fs::read(file).unwrap());
    }
    folder.parent().unwrap().to_path_buf()
}

/// Fails if a canary is in the name or the content of any file below a folder; compressed files are unpacked.
fn search(folder: &Path) {
    let mut open = vec![folder.to_path_buf()];
    let mut files = 0;
    while let Some(path) = open.pop() {
        check(&path.file_name().unwrap().to_string_lossy(), path.to_string_lossy().as_bytes());
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        files += 1;
        let mut bytes = std::fs::read(&path).unwrap();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
            bytes.extend(unpacked);
        }
        check(&path.to_string_lossy(), &bytes);
    }
    assert!(files > 15, "only {files} files were searched");
}

fn check(place: &str, bytes: &[u8]) {
    for secret in SECRETS {
        let found = bytes.windows(secret.len()).position(|part| part == secret.as_bytes());
        let around = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 40).min(bytes.len())]));
        assert!(found.is_none(), "{secret} in {place}: {around:?}");
    }
}

fn silent(outcome: &Outcome) {
    check("stdout", outcome.stdout.as_bytes());
    check("stderr", outcome.stderr.as_bytes());
}

const FIT: &str = "[fbp, {name: net, neural_field: {field: {siren: {width: 8, depth: 2}}, steps: 3}}]";

#[test]
fn row_24_without_identity_no_canary_is_in_any_file_or_on_the_terminal() {
    let bench = Bench::new();
    let folder = series(&bench);
    let load = format!("{{dicom: {{path: '{}', series: '{UID}'}}}}", folder.display());
    let export = "volumes: [nifti, dicom], report: [html, json, csv], dicom: {identity: IDENTITY}";
    let text = pipeline(&load, FIT, export);
    bench.write("p.yaml", &text.replace("IDENTITY", "drop"));
    silent(&bench.recon(&["check", "p.yaml"]).expect(0, &[]));
    silent(&bench.recon(&["run", "p.yaml", "--trace", "trace.json"]).expect(0, &[]));
    check("the trace", &std::fs::read(bench.path("trace.json")).unwrap());
    search(&bench.path("out"));
    let report = bench.json("out/report.json");
    assert_eq!(report["identity"], "drop");
    // `recon verify` can still prove which files the input was.
    bench.recon(&["verify", "out"]).expect(0, &["[inputs_not_named]"]);
    let verified = bench.recon(&["verify", "out", "--input", &folder.to_string_lossy(), "--json"]).expect(0, &[]);
    let counts: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    assert!(counts["inputs"] == 10 && counts["inputs_unchanged"] == 10, "{counts}");
    // A run that kept the identity is continued without it in the same folder.
    bench.write("p.yaml", &text.replace("IDENTITY", "keep"));
    bench.recon(&["run", "p.yaml"]).expect(0, &[]);
    let kept = std::fs::read(bench.path("out/fbp/dicom/slice-0001.dcm")).unwrap();
    assert!(kept.windows(NAME.len()).any(|part| part == NAME.as_bytes()));
    bench.write("p.yaml", &text.replace("IDENTITY", "drop"));
    silent(&bench.recon(&["run", "p.yaml"]).expect(0, &[]));
    search(&bench.path("out"));
}

#[test]
fn row_24_what_is_loaded_may_be_a_person_unless_it_is_a_phantom() {
    let bench = Bench::new();
    super::volume(&bench, "JANE.nii");
    bench.write("p.yaml", &pipeline("{nifti: {path: JANE.nii}}", "[fbp]", "report: [json]"));
    bench.recon(&["run", "p.yaml", "-q"]).expect(0, &[]);
    assert_eq!(bench.json("out/report.json")["identity"], "drop");
    assert_eq!(bench.json("out/manifest.json")["inputs"][0]["path"], "input-1");
    bench.quick(&["--force"]).expect(0, &[]);
    assert_eq!(bench.json("out/report.json")["identity"], "keep");
}

#[test]
fn row_24_no_error_of_a_damaged_series_names_it() {
    let bench = Bench::new();
    let folder = series(&bench);
    bench
        .write("p.yaml", &pipeline(&format!("{{dicom: {{path: '{}'}}}}", folder.display()), "[fbp]", "report: [json]"));
    let file = folder.join(format!("study {NAME}/{NAME}-3.dcm"));
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    for command in ["check", "run"] {
        silent(&bench.recon(&[command, "p.yaml"]).expect(3, &["input-1", "damaged DICOM file"]));
    }
    std::fs::remove_file(&file).unwrap();
    silent(&bench.recon(&["run", "p.yaml"]).expect(3, &["missing between"]));
    // `recon info` shows the number of the series, by which it can be chosen, and nothing else that identifies it.
    let info = bench.recon(&["info", &folder.to_string_lossy()]).expect(0, &[]);
    check("info", info.stdout.replace(INTEGER, "").as_bytes());
    let shown = bench.recon(&["info", "--texts", &folder.to_string_lossy()]).expect(0, &[]);
    assert!(shown.stdout.contains(UID) && shown.stdout.contains(NAME), "texts were asked for: {}", shown.stdout);
}
