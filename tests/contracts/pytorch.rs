//! Runs the loaders of tools/ that docs/fields.md describes: from recon's weights PyTorch must compute recon's values.

use crate::common::python_or_skip;
use recon::fields::radiance::{self, Radiance};
use recon::fields::{Domain, FieldKind, Parameter};
use recon::registry::OneOf;
use recon::tensors::to_vec;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use tch::{Device, Kind, Tensor};

/// Returns a field as the part of a checkpoint that the loader reads.
fn bytes(kind: &impl serde::Serialize, parameters: &[Parameter]) -> Vec<u8> {
    let plain = |t: &Tensor| to_vec(t).unwrap().iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = parameters
        .iter()
        .map(|p| (format!("field.{}", p.name), p.value.size().iter().map(|&n| n as usize).collect(), plain(&p.value)))
        .collect();
    let views =
        data.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    let config = serde_json::json!({"field": kind}).to_string();
    safetensors::serialize(views, Some(HashMap::from([("config".to_string(), config)]))).unwrap()
}

/// Returns the numbers that a loader of `tools/` prints for a checkpoint and a file of points.
fn said(python: &str, loader: &str, checkpoint: &Path, points: &Path) -> Vec<f32> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools").join(loader);
    let output = Command::new(python).arg(script).arg(checkpoint).arg(points).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[test]
fn pytorch_reads_radiance_fields_and_finds_the_same_density_and_colour() {
    let python = python_or_skip!("PYTORCH", "torch, safetensors");
    let folder = tempfile::tempdir().unwrap();
    let points: Vec<[f32; 3]> = (0..40).map(|i| [1.0, 2.0, 3.0].map(|k| (k * i as f32).sin())).collect();
    let turned = |i: usize| [(i as f64).sin() * 0.6, (i as f64).cos() * 0.6, 0.8];
    let directions: Vec<[f64; 3]> = (0..points.len()).map(turned).collect();
    let rays: Vec<Vec<f64>> =
        points.iter().zip(&directions).map(|(p, d)| p.iter().map(|&x| f64::from(x)).chain(*d).collect()).collect();
    let file = folder.path().join("rays.json");
    std::fs::write(&file, serde_json::to_string(&rays).unwrap()).unwrap();
    for text in [
        "{}",
        "{encoding: {nerf: {octaves: 4}}, width: 24, depth: 4, skip: 2, features: 9, direction: waves, color_depth: 1}",
        "{encoding: identity, width: 16, depth: 2, activation: {sine: {omega: 12}}, direction: none}",
    ] {
        let config: radiance::Config = serde_yaml::from_str(text).unwrap();
        let field = Radiance::new(&config, 3, (Kind::Float, Device::Cpu)).unwrap();
        // The initial features of a hash table are too small to tell its rows apart; they are made larger.
        for parameter in field.parameters().iter().filter(|p| p.name == "encoding.table") {
            let _ = parameter.value.detach().g_mul_scalar_(5e3);
        }
        let checkpoint = folder.path().join("checkpoint.safetensors");
        std::fs::write(&checkpoint, bytes(&config, field.parameters())).unwrap();
        let theirs = said(&python, "radiance-in-pytorch.py", &checkpoint, &file);
        let told = field.directions(&directions).unwrap();
        let ours = field.evaluate(&Tensor::from_slice(points.as_flattened()).view([-1, 3]), &told).unwrap();
        let ours = to_vec(&ours).unwrap();
        assert_eq!(ours.len(), theirs.len());
        assert!(ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-4), "{text}: {ours:?} and {theirs:?}");
    }
}

#[test]
fn pytorch_reads_the_weights_and_finds_the_same_values() {
    let python = python_or_skip!("PYTORCH", "torch, safetensors");
    let folder = tempfile::tempdir().unwrap();
    let points: Vec<[f32; 3]> = (0..50).map(|i| [1.0, 2.0, 3.0].map(|k| (k * i as f32).sin())).collect();
    std::fs::write(folder.path().join("points.json"), serde_json::to_string(&points).unwrap()).unwrap();
    let texts = [
        "siren: {width: 32, depth: 3}",
        "mlp: {encoding: {fourier: {features: 20}}, width: 24, depth: 3, skip: [1], output_scale: 2}",
        "mlp: {encoding: identity, width: 24}",
    ];
    for text in texts {
        let kind: OneOf<FieldKind> = serde_yaml::from_str(text).unwrap();
        let field = kind.kind.as_part().build(&Domain::cube(3, 8).unwrap(), 3, (Kind::Float, Device::Cpu)).unwrap();
        let file = folder.path().join("checkpoint.safetensors");
        std::fs::write(&file, bytes(&kind, field.parameters())).unwrap();
        let theirs = said(&python, "field-in-pytorch.py", &file, &folder.path().join("points.json"));
        let ours = to_vec(&field.evaluate(&Tensor::from_slice(points.as_flattened()).view([-1, 3])).unwrap()).unwrap();
        assert_eq!(ours.len(), theirs.len());
        assert!(ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-4), "{text}: {ours:?} and {theirs:?}");
    }
}
