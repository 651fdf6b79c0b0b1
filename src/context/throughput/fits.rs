//! Times of whole reconstructions of a box of water from noiseless projections.

use super::{Bound, Figure, Size, Stopwatch, scan};
use crate::algorithms::{AlgorithmKind, Problem, Run};
use crate::data::Projections;
use crate::error::{Error, Result};
use crate::operators::xray::{self, Model};
use crate::registry::OneOf;
use crate::tensors::{to_vec, torch_error};
use tch::{Kind, Tensor};

/// Attenuation of water, 1/mm.
const MU_WATER: f64 = 0.0206;

/// Measures FDK, total variation, a SIREN and a hash grid.
pub(super) fn measure(bench: &Stopwatch, size: Size) -> Result<Vec<Figure>> {
    let (grid, geometry) = scan(size)?;
    let shape = grid.shape.map(|n| n as i64);
    let (quarter, half) = (size.voxels as i64 / 4, size.voxels as i64 / 2);
    let volume = Tensor::f_zeros(shape, (Kind::Float, bench.device)).map_err(torch_error)?;
    let inner = (0..3).try_fold(volume.shallow_clone(), |part, axis| part.f_narrow(axis, quarter, half));
    let _ = inner.and_then(|mut inner| inner.f_fill_(MU_WATER)).map_err(torch_error)?;
    let projected = xray::build(Model::Joseph, &grid, &geometry, bench.device)?.forward(&volume)?;
    let data = Projections::from_vec(geometry, to_vec(&projected)?)?;
    let iterations = size.iterations;
    let fits = [
        ("FDK".to_string(), "fdk: {}".to_string()),
        (format!("TV fit, {iterations} iterations"), format!("tv: {{iterations: {iterations}, weight: 1.0e-4}}")),
        (
            format!("SIREN fit, {iterations} steps"),
            format!("neural_field: {{field: {{siren: {{}}}}, start: null, steps: {iterations}}}"),
        ),
        (
            format!("hash grid fit, {iterations} steps"),
            format!("neural_field: {{field: {{mlp: {{}}}}, start: null, steps: {iterations}}}"),
        ),
    ];
    let mut figures = Vec::new();
    for (name, text) in fits {
        let kind: OneOf<AlgorithmKind> =
            serde_yaml::from_str(&text).map_err(|error| Error::config("reconstruct", error.to_string()))?;
        let problem = Problem::xrays(&data, &grid, MU_WATER);
        let mut run = Run::quiet(bench.device, 0);
        let mut fit = || kind.kind.as_part().reconstruct(&problem, &mut run).map(drop);
        figures.push(Figure {
            name: format!("{name}, {}³ x {} views", size.voxels, size.views),
            seconds: bench.once(&mut fit)?,
            amount: grid.voxels() as f64,
            unit: "voxels",
            least: 0.0,
            bound: Bound::None,
            fraction: None,
        });
    }
    Ok(figures)
}
