//! Tests of every kind of every registry: it can be written in YAML and read back, an unknown key is refused at its
//! place, and the schema that editors use accepts the kind and describes its keys. A new kind that has a default for
//! every key is tested without a change here; one with required keys needs an example in the list of its family.

use recon::algorithms::AlgorithmKind;
use recon::cameras::{CameraKind, Lens};
use recon::fields::FieldKind;
use recon::fields::activations::ActivationKind;
use recon::fields::encodings::EncodingKind;
use recon::fields::regularizers::RegularizerKind;
use recon::formats::FORMATS;
use recon::geometries::GeometryKind;
use recon::metrics::METRICS;
use recon::optimizers::OptimizerKind;
use recon::phantoms::{Modifiers, ShapeKind};
use recon::physics::SpectrumKind;
use recon::registry::{Kinds, NoKeys, OneOf, SiblingKeys};
use recon::renderers::line_integral::IntegratorKind;
use recon::stages::acquire::MeasuredKind;
use recon::stages::load::SourceKind;
use schemars::SchemaGenerator;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Runs every check for one family. `examples` holds one configuration of each kind that has required keys.
fn family<K: Kinds + Debug + PartialEq, B: SiblingKeys + Debug + PartialEq>(examples: &[&str]) {
    assert!(!K::FAMILY.is_empty());
    let texts: Vec<String> = K::NAMES.iter().map(|name| example::<K>(name, examples)).collect();
    for (name, text) in K::NAMES.iter().zip(&texts) {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{name}");
        reads_back_what_it_writes::<K, B>(name, text);
        refuses_an_unknown_key_where_it_stands::<K, B>(name, text);
    }
    let unique: BTreeSet<_> = K::NAMES.iter().collect();
    assert_eq!(unique.len(), K::NAMES.len(), "two kinds of one name in the family {}", K::FAMILY);
    names_every_kind_to_who_mistypes_one::<K, B>();
    takes_one_kind_only::<K, B>(&texts);
    the_schema_takes_every_kind_and_describes_its_keys::<K, B>(&texts);
}

/// Returns `name: {...}`: the family's example of this kind, or the kind with its defaults.
fn example<K: Kinds>(name: &str, examples: &[&str]) -> String {
    let found = examples.iter().find(|text| text.starts_with(&format!("{name}:")));
    match (found, K::default_of(name)) {
        (Some(text), _) => (*text).to_string(),
        (None, Some(_)) => format!("{name}: {{}}"),
        (None, None) => panic!("the {} {name} has required keys: add an example of it to this test", K::FAMILY),
    }
}

fn read<K: Kinds, B: SiblingKeys>(text: &str) -> Result<OneOf<K, B>, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

fn reads_back_what_it_writes<K: Kinds + Debug + PartialEq, B: SiblingKeys + Debug + PartialEq>(name: &str, text: &str) {
    let kind = read::<K, B>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(kind.kind.name(), name);
    let written = serde_yaml::to_string(&kind).unwrap();
    assert_eq!(read::<K, B>(&written).unwrap(), kind, "{written}");
}

fn refuses_an_unknown_key_where_it_stands<K: Kinds, B: SiblingKeys>(name: &str, text: &str) {
    let keys = text.split_once('{').unwrap().1.strip_suffix('}').unwrap();
    let comma = if keys.is_empty() { "" } else { ", " };
    let error = read::<K, B>(&format!("{name}:\n  {{{keys}{comma}\n   nonsense_key: 1}}")).err().unwrap();
    assert!(error.contains("nonsense_key") && error.contains("line 3 column 4"), "{name}: {error}");
}

fn names_every_kind_to_who_mistypes_one<K: Kinds, B: SiblingKeys>() {
    let error = read::<K, B>("nonsense_kind: {}").err().unwrap();
    assert!(K::NAMES.iter().all(|name| error.contains(&format!("`{name}`"))), "{error}");
}

fn takes_one_kind_only<K: Kinds, B: SiblingKeys>(texts: &[String]) {
    let two: Vec<&str> = texts.iter().take(2).map(String::as_str).collect();
    let error = read::<K, B>(&format!("{{{}}}", two.join(", "))).err();
    assert_eq!(error.is_some(), two.len() == 2, "{}: both {two:?} were taken", K::FAMILY);
    assert!(read::<K, B>("{}").is_err(), "a {} of no kind was taken", K::FAMILY);
}

fn the_schema_takes_every_kind_and_describes_its_keys<K: Kinds, B: SiblingKeys>(texts: &[String]) {
    let mut generator = SchemaGenerator::default();
    let names: Vec<&str> = K::schemas(&mut generator).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, K::NAMES);
    let schema = schemars::schema_for!(OneOf<K, B>).to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for text in texts {
        let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{text}: {faults:?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"nonsense_kind": {}})));
    let definitions = generator.definitions();
    assert!(!definitions.is_empty(), "the schemas of the family {} were not looked at", K::FAMILY);
    for (name, definition) in definitions.iter().filter(|(_, definition)| definition["properties"].is_object()) {
        for (key, property) in definition["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "the key {key} of {name} has no doc comment");
        }
    }
}

#[test]
fn algorithms() {
    family::<AlgorithmKind, NoKeys>(&["volume: {path: a.nii.gz}"]);
}

#[test]
fn parts_of_neural_fields() {
    family::<FieldKind, NoKeys>(&[]);
    family::<EncodingKind, NoKeys>(&[]);
    family::<ActivationKind, NoKeys>(&[]);
    family::<RegularizerKind, NoKeys>(&[]);
    family::<OptimizerKind, NoKeys>(&[]);
    family::<IntegratorKind, NoKeys>(&[]);
}

#[test]
fn geometries_and_spectra() {
    family::<GeometryKind, NoKeys>(&["poses: {file: poses.json}"]);
    family::<SpectrumKind, NoKeys>(&["file: {path: spectrum.csv}"]);
}

#[test]
fn inputs() {
    family::<SourceKind, NoKeys>(&[
        "phantom: {file: phantom.yaml}",
        "nifti: {path: ct.nii.gz}",
        "dicom: {path: series}",
        "volume: {path: ct.mha}",
    ]);
    family::<MeasuredKind, NoKeys>(&[
        "hdf5: {path: scan.h5}",
        "tiff: {path: images}",
        "npy: {path: counts.npy}",
        "mat: {path: scan.mat}",
        "xtekct: {path: scan}",
        "skyscan: {path: scan}",
        "pca: {path: scan}",
        "txrm: {path: scan.txrm}",
        "nexus: {path: scan.nxs}",
        "metaimage: {path: scan.mha}",
        "astra: {path: scan.mat}",
        "raw: {path: scan.raw, shape: [2, 3, 4], type: uint16}",
    ]);
}

#[test]
fn cameras() {
    family::<CameraKind, Lens>(&["file: {transforms: cameras.json}"]);
}

#[test]
fn shapes_of_phantoms() {
    family::<ShapeKind, Modifiers>(&[
        "ellipsoid: {semi_axes: [0.5, 0.3, 0.4], density: 1}",
        "box: {half_lengths: [0.5, 0.2, 0.3], density: 1}",
        "cylinder: {semi_axes: [0.2, 0.4], half_length: 0.4, density: 1}",
        "cone: {radii: [0.5, 0.1], half_length: 0.4, density: 1}",
        "ellipse: {semi_axes: [0.5, 0.3], density: 1}",
        "rectangle: {half_lengths: [0.5, 0.3], density: 1}",
    ]);
}

#[test]
fn metrics_and_formats_say_what_they_are() {
    let keys: BTreeSet<_> = METRICS.iter().map(|metric| metric.key()).collect();
    assert_eq!(keys.len(), METRICS.len(), "two metrics of one key");
    assert!(METRICS.iter().all(|metric| metric.definition().len() > 10));
    let names: BTreeSet<_> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(names.len(), FORMATS.len(), "two formats of one name");
    assert!(METRICS.len() > 10 && FORMATS.len() > 10, "{} metrics, {} formats", METRICS.len(), FORMATS.len());
    assert!(FORMATS.iter().all(|format| !format.looks_like.is_empty()));
}
