//! Tests of `tv_refined`, total variation refined by a trained network: the result scales with the data, scans unlike
//! those of the training are reported, and the shipped file of the network states its origin.

use super::support::{MU_WATER, algorithm, ball, fitted};
use recon::algorithms::refined::{Consistency, Prior, Start};
use recon::algorithms::{Discretisation, Problem, Run};
use recon::data::{Projections, Volume};
use tch::Device;

fn shipped() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/priors/ct-2d.safetensors")).unwrap()
}

#[test]
fn what_is_shipped_is_small_and_says_where_it_comes_from() {
    let bytes = shipped();
    assert!(bytes.len() < 750_000);
    let card = Prior::read(&bytes, Device::Cpu).unwrap().card;
    assert_eq!(card.dimensions, 2);
    assert!(card.trained_on.len() >= 4);
    let named = |volume: &recon::algorithms::refined::Provenance| {
        !volume.licence.is_empty() && !volume.credit.is_empty() && volume.hash.len() == 64
    };
    assert!(card.trained_on.iter().chain(&card.tested_on).all(named));
    assert!(!card.trained_on.iter().any(|volume| ["thorax", "thigh"].contains(&volume.name.as_str())));
    assert!(card.command.starts_with("recon train-prior"));
    assert!(["views", "noise", "largest_hu", "levels"].iter().all(|name| card.ranges.0.contains_key(*name)));
}

#[test]
fn scaling_the_data_scales_the_refinement() {
    let (_, geometry, grid) = fitted("tv_refined");
    let (data, _) = ball(&geometry, &grid);
    let prior = Prior::read(&shipped(), Device::Cpu).unwrap();
    let discretisation = Discretisation { lattice: 2, sub_rays: Some(2) };
    let tv = algorithm("tv: {iterations: 30}");
    let problem = Problem::xrays(&data, &grid, MU_WATER);
    let fine = discretisation.problem(&problem).unwrap();
    let start = tv.as_part().reconstruct(&fine, &mut Run::quiet(Device::Cpu, 0)).unwrap().volume;
    let refined = |factor: f32| -> Vec<f32> {
        let values = data.as_slice().iter().map(|value| value * factor).collect();
        let data = Projections::from_vec(geometry.clone(), values).unwrap();
        let problem = Problem::xrays(&data, &grid, MU_WATER);
        let start = Start::new(&problem, &start.map(|mu| mu * factor), &discretisation, Device::Cpu).unwrap();
        let rule = Consistency { factor: 0.3, steps: 10 };
        start.refined_values(&prior, rule, true).unwrap()
    };
    let (once, many) = (refined(1.0), refined(50.0));
    let plain = start.resampled(&grid).unwrap().map(|mu| mu / problem.unit() as f32);
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let apart = square(&mut once.iter().zip(&many).map(|(a, b)| f64::from(50.0 * a - b)));
    let size = square(&mut many.iter().map(|&v| f64::from(v)));
    assert!(apart / size < 1e-5, "{}", apart / size);
    let change = square(&mut once.iter().zip(plain.as_slice()).map(|(a, b)| f64::from(a - b)));
    assert!(50.0 * change / size > 1e-4, "the network changes its start: {}", 50.0 * change / size);
}

#[test]
fn a_scan_unlike_the_networks_is_warned_of_or_refused() {
    let (_, geometry, grid) = fitted("tv_refined");
    let few: Vec<usize> = (0..24).step_by(4).collect();
    let (data, _) = ball(&geometry.subset(&few).unwrap(), &grid);
    let made = |strict: bool, data: &Projections| {
        let kind = algorithm(&format!("tv_refined: {{weight: 1.0e-4, held_out: false, strict: {strict}}}"));
        kind.as_part().reconstruct(&Problem::xrays(data, &grid, MU_WATER), &mut Run::quiet(Device::Cpu, 0))
    };
    let found = made(false, &data).unwrap();
    let codes: Vec<&str> = found.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert!(codes.contains(&"beyond_prior_views") && codes.contains(&"beyond_prior_dimensions"), "{codes:?}");
    let error = made(true, &data).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("strict") && error.to_string().contains("the network has met"), "{error}");
    let sum = |a: &Volume, b: &Volume| a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a + b).collect::<Vec<_>>();
    let (start, difference) = (found.start.unwrap(), found.difference.unwrap());
    let apart =
        sum(&start, &difference).iter().zip(found.volume.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-6, "start + difference is the volume: {apart}");
    assert!(found.notes["learned"]["sentence"].as_str().unwrap().contains("A learned prior was used"));
}
