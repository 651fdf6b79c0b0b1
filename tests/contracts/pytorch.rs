//! The loader of docs/fields.md, run by PyTorch, gives what we give: weights mean the same to others.

use crate::common::python_or_skip;
use recon::fields::{Domain, Field, FieldKind};
use recon::registry::OneOf;
use recon::tensors::to_vec;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::process::Command;
use tch::{Device, Kind, Tensor};

/// The field as the part of a checkpoint that the loader reads.
fn bytes(kind: &OneOf<FieldKind>, field: &dyn Field) -> Vec<u8> {
    let plain = |t: &Tensor| to_vec(t).unwrap().iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = field
        .parameters()
        .iter()
        .map(|p| (format!("field.{}", p.name), p.value.size().iter().map(|&n| n as usize).collect(), plain(&p.value)))
        .collect();
    let views =
        data.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    let config = serde_json::json!({"field": kind}).to_string();
    safetensors::serialize(views, Some(HashMap::from([("config".to_string(), config)]))).unwrap()
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
        std::fs::write(&file, bytes(&kind, field.as_ref())).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/field-in-pytorch.py");
        let output =
            Command::new(&python).arg(script).arg(&file).arg(folder.path().join("points.json")).output().unwrap();
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        let theirs: Vec<f32> =
            String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
        let ours = to_vec(&field.evaluate(&Tensor::from_slice(points.as_flattened()).view([-1, 3])).unwrap()).unwrap();
        assert_eq!(ours.len(), theirs.len());
        assert!(ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-4), "{text}: {ours:?} and {theirs:?}");
    }
}
