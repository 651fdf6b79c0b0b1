//! Tests of the properties that every encoding in the registry must have.

use super::*;
use crate::registry::{Kinds, OneOf};
use crate::tensors::to_vec;

const CPU: (Kind, Device) = (Kind::Double, Device::Cpu);

/// Every encoding with its defaults, in 2-D and 3-D where it is defined.
fn all() -> impl Iterator<Item = (&'static str, EncodingKind, usize)> {
    let kinds = EncodingKind::NAMES
        .iter()
        .flat_map(|name| [2, 3].map(|inputs| (*name, EncodingKind::default_of(name).unwrap(), inputs)));
    kinds.filter(|(_, kind, inputs)| kind.as_part().check(*inputs).is_ok())
}

fn points(inputs: usize) -> Tensor {
    let values: Vec<f64> = (0..40 * inputs).map(|i| ((i * 7919) % 2001) as f64 / 1000.0 - 1.0).collect();
    Tensor::from_slice(&values).view([40, inputs as i64])
}

#[test]
fn every_encoding_is_defined_in_3d_and_refusals_in_2d_give_a_reason() {
    for name in EncodingKind::NAMES {
        let kind = EncodingKind::default_of(name).unwrap();
        kind.as_part().check(3).unwrap();
        if let Err(error) = kind.as_part().check(2) {
            assert!(error.to_string().contains("slice"), "{name}: {error}");
            assert!(kind.as_part().build(2, 0, CPU).is_err(), "{name}");
        }
    }
}

#[test]
fn the_width_is_that_of_the_output_and_the_count_that_of_the_tables() {
    for (name, kind, inputs) in all() {
        let part = kind.as_part();
        let built = part.build(inputs, 3, CPU).unwrap();
        let found = built.encoder.encode(&points(inputs)).unwrap();
        assert_eq!(found.size(), [40, part.width(inputs) as i64], "{name} in {inputs}-D");
        let trained: usize = built.parameters.iter().filter(|p| p.value.requires_grad()).map(|p| p.value.numel()).sum();
        assert_eq!(trained, part.trainable(inputs), "{name} in {inputs}-D");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_other_tables() {
    for (name, kind, inputs) in all() {
        let make = |seed| kind.as_part().build(inputs, seed, CPU).unwrap();
        let values = |seed| to_vec(&make(seed).encoder.encode(&points(inputs)).unwrap()).unwrap();
        assert_eq!(values(1), values(1), "{name}");
        assert_eq!(values(1) == values(2), make(1).parameters.is_empty(), "{name}");
    }
}

#[test]
fn configurations_read_back_and_unknown_keys_are_located() {
    for name in EncodingKind::NAMES {
        let kind = OneOf::<EncodingKind>::from(EncodingKind::default_of(name).unwrap());
        let text = serde_yaml::to_string(&kind).unwrap();
        assert_eq!(serde_yaml::from_str::<OneOf<EncodingKind>>(&text).unwrap(), kind);
        let problem =
            serde_yaml::from_str::<OneOf<EncodingKind>>(&format!("{name}:\n  nonsense: 1\n")).unwrap_err().to_string();
        assert!(problem.contains("nonsense") && problem.contains("line 2"), "{problem}");
    }
}

#[test]
fn waves_are_those_of_their_papers() {
    let at = |text: &str| {
        let kind: OneOf<EncodingKind> = serde_yaml::from_str(text).unwrap();
        let built = kind.kind.as_part().build(2, 0, CPU).unwrap();
        Vec::<f64>::try_from(built.encoder.encode(&Tensor::from_slice(&[0.3, -0.2]).view([1, 2])).unwrap().view(-1))
            .unwrap()
    };
    let pi = std::f64::consts::PI;
    let expected = |frequencies: &[f64]| -> Vec<f64> {
        let phases: Vec<f64> = frequencies.iter().flat_map(|f| [0.3 * f * pi, -0.2 * f * pi]).collect();
        phases.iter().map(|p| p.cos()).chain(phases.iter().map(|p| p.sin())).collect()
    };
    let same = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(same(&at("basic"), &expected(&[1.0])));
    assert!(same(&at("nerf: {octaves: 3}"), &expected(&[1.0, 2.0, 4.0])));
    assert!(same(&at("positional: {frequencies: 2, sigma: 8}"), &expected(&[1.0, 4.0])));
}

#[test]
fn no_two_places_of_the_box_look_alike_to_a_wave() {
    for name in ["identity", "basic", "positional", "nerf", "fourier"] {
        let kind = EncodingKind::default_of(name).unwrap();
        let built = kind.as_part().build(1, 0, CPU).unwrap();
        let places: Vec<f64> = (0..20).map(|i| -0.95 + 0.1 * f64::from(i)).collect();
        let encoded = built.encoder.encode(&Tensor::from_slice(&places).view([20, 1])).unwrap();
        for i in 0..20 {
            for j in 0..i {
                let apart = (encoded.get(i) - encoded.get(j)).norm().double_value(&[]);
                assert!(apart > 0.05, "{name}: {} and {}", places[i as usize], places[j as usize]);
            }
        }
    }
}
