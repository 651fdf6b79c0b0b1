//! Tests of the network.

use super::*;

fn config(text: &str) -> Config {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn a_sine_network_on_bare_coordinates_is_the_siren() {
    let domain = Domain::cube(3, 8).unwrap();
    let options = (Kind::Double, Device::Cpu);
    let field =
        config("{encoding: identity, activation: sine, width: 16, depth: 3}").build(&domain, 4, options).unwrap();
    let siren =
        crate::fields::siren::Config { width: 16, depth: 3, ..Default::default() }.build(&domain, 4, options).unwrap();
    for (ours, theirs) in field.parameters().iter().zip(siren.parameters()) {
        assert_eq!((&ours.name, ours.value.size(), ours.role), (&theirs.name, theirs.value.size(), theirs.role));
        theirs.value.detach().copy_(&ours.value.detach());
    }
    let points = Tensor::from_slice(&(0..60).map(|i| (f64::from(i) * 0.37).sin()).collect::<Vec<_>>()).view([20, 3]);
    let error =
        (field.attenuation(&points).unwrap() - siren.attenuation(&points).unwrap()).abs().max().double_value(&[]);
    assert!(error < 1e-12, "{error}");
}

#[test]
fn outputs_keep_to_their_ranges_and_skips_to_their_layers() {
    let domain = Domain::cube(2, 8).unwrap();
    let points = Tensor::from_slice(&(0..200).map(|i| (f64::from(i) * 0.37).sin()).collect::<Vec<_>>()).view([100, 2]);
    for (output, low, high) in [("softplus", 0.0, f64::INFINITY), ("relu", 0.0, f64::INFINITY), ("sigmoid", 0.0, 2.0)] {
        let config = config(&format!("{{encoding: nerf, depth: 3, skip: [2], output: {output}, output_scale: 2}}"));
        let field = config.build(&domain, 0, (Kind::Double, Device::Cpu)).unwrap();
        let shapes: Vec<i64> = field.parameters().iter().step_by(2).map(|p| p.value.size()[1]).collect();
        assert_eq!(shapes, [32, 64, 64 + 32, 64]);
        let values = field.attenuation(&points).unwrap();
        let (least, most) = (values.min().double_value(&[]), values.max().double_value(&[]));
        assert!(least >= low && most <= high && most > least, "{output}: {least} to {most}");
    }
}

#[test]
fn nonsense_is_refused_by_key() {
    let (slice, volume) = (Domain::cube(2, 8).unwrap(), Domain::cube(3, 8).unwrap());
    let problem = |text: &str, domain: &Domain| config(text).check(domain).unwrap_err().to_string();
    assert!(problem("{width: 0}", &slice).starts_with("width"));
    assert!(problem("{depth: 2, skip: [2]}", &slice).starts_with("skip"));
    assert!(problem("{output_scale: .nan}", &slice).starts_with("output_scale"));
    assert!(problem("{encoding: tri_plane}", &slice).starts_with("encoding.tri_plane"));
    assert!(problem("{encoding: {hash_grid: {finest: 2}}}", &volume).starts_with("encoding.hash_grid.finest"));
    assert!(problem("{encoding: {dense_grid: {resolutions: [16000]}}}", &volume).starts_with("encoding.dense_grid"));
    assert!(config("{encoding: tri_plane}").check(&volume).is_ok());
}

#[test]
fn the_matrix_behind_wide_waves_is_a_hidden_one_and_behind_tables_and_few_numbers_not() {
    for (encoding, role) in
        [("fourier", Role::Hidden), ("nerf", Role::Hidden), ("basic", Role::Other), ("hash_grid", Role::Other)]
    {
        let layers = config(&format!("{{encoding: {encoding}}}")).layers(2);
        let roles: Vec<Role> = layers.iter().map(|layer| layer.role).collect();
        assert_eq!(roles, [role, Role::Hidden, Role::Other], "{encoding}");
    }
}

#[test]
fn the_cost_counts_every_trained_number() {
    for (text, inputs) in
        [("{}", 2), ("{}", 3), ("{encoding: tri_plane, depth: 4, skip: [1, 2]}", 3), ("{encoding: fourier}", 3)]
    {
        let domain = Domain::cube(inputs, 8).unwrap();
        let field = config(text).build(&domain, 0, (Kind::Float, Device::Cpu)).unwrap();
        let trained: usize =
            field.parameters().iter().filter(|p| p.value.requires_grad()).map(|p| p.value.numel()).sum();
        assert_eq!(trained as u64, config(text).cost(&domain).parameters, "{text}");
    }
}

/// Compares values and gradients of the kernels with those of the tensor expressions, in f32.
#[test]
fn the_kernels_agree_with_the_tensor_expressions() {
    let nets = [
        "{}",
        "{depth: 1, activation: leaky_relu}",
        "{encoding: {dense_grid: {resolutions: [3, 9], features: 3}}, width: 30}",
    ];
    let others = [
        "{encoding: nerf, output: softplus, output_scale: 2}",
        "{activation: tanh, skip: [1]}",
        "{encoding: {tri_plane: {resolution: 5, combine: concatenate}}}",
        // Not ReLU: a neuron at its kink falls on either side by rounding, which differs between machines.
        "{encoding: {tri_plane: {resolution: 5}}, activation: tanh, output: sigmoid}",
        "{encoding: fourier, activation: relu, width: 200, depth: 1}",
        "{encoding: nerf, activation: sine, width: 40, depth: 3}",
        "{encoding: identity, activation: finer, width: 40}",
    ];
    let rounded = [
        "{encoding: {hash_grid: {log2_table: 6, features: 4}}, precision: bf16}",
        "{encoding: {fourier: {features: 30}}, activation: leaky_relu, width: 130, depth: 3, precision: bf16}",
        "{encoding: identity, activation: finer, width: 40, precision: bf16}",
    ];
    let exact = nets.into_iter().chain(others).map(|text| (text, 1e-4));
    let rounded = rounded.into_iter().map(|text| (text, 2e-2));
    for (text, tolerance, inputs) in
        exact.chain(rounded).flat_map(|(text, tolerance)| [(text, tolerance, 2), (text, tolerance, 3)])
    {
        let domain = Domain::cube(inputs, 8).unwrap();
        if config(text).check(&domain).is_err() {
            continue;
        }
        let field = config(text).build(&domain, 1, (Kind::Float, Device::Cpu)).unwrap();
        field
            .parameters()
            .iter()
            .filter(|p| p.role == Role::Table)
            .for_each(|p| drop(p.value.detach().g_mul_scalar_(3e3)));
        let points = Tensor::from_slice(&(0..inputs * 700).map(|i| (i as f32 * 0.37).sin() * 1.02).collect::<Vec<_>>());
        crate::fields::fused::compare(field.as_ref(), &points.view([-1, inputs as i64]), tolerance, text);
    }
}
