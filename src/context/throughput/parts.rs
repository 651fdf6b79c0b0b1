//! Times of the single parts of a reconstruction.

use super::{Bound, Figure, Size, Stopwatch, scan};
use crate::algorithms::primal_dual::{Penalty, Step, Variation};
use crate::error::{Error, Result};
use crate::fields::{Domain, FieldKind, Parameter};
use crate::operators::xray::{self, Model};
use crate::optimizers::{Optimizer, adam};
use crate::registry::OneOf;
use crate::tensors::torch_error;
use tch::{Kind, Tensor};

/// Measures forward projection, backprojection, a step of total variation, and training steps of fields.
pub(super) fn measure(bench: &Stopwatch, size: Size) -> Result<Vec<Figure>> {
    let mut figures = projections(bench, size)?;
    figures.push(variation(bench, size)?);
    for (name, text, bound) in [
        ("SIREN 3x256", "siren: {width: 256, depth: 3}", Bound::F32),
        ("SIREN 3x256 bf16", "siren: {width: 256, depth: 3, precision: bf16}", Bound::Bf16),
        ("SIREN 5x256 bf16", "siren: {width: 256, depth: 5, precision: bf16}", Bound::Bf16),
        ("hash grid", "mlp: {}", Bound::Bytes),
    ] {
        figures.push(step(bench, size, name, text, bound)?);
    }
    Ok(figures)
}

fn projections(bench: &Stopwatch, size: Size) -> Result<Vec<Figure>> {
    let (grid, geometry) = scan(size)?;
    let operator = xray::build(Model::Joseph, &grid, &geometry, bench.device)?;
    let random =
        |shape: [usize; 3]| Tensor::f_rand(shape.map(|n| n as i64), (Kind::Float, bench.device)).map_err(torch_error);
    let (volume, data) = (random(grid.shape)?, random(geometry.shape())?);
    let (voxels, rays) = (grid.voxels() as f64, geometry.samples() as f64);
    let samples = rays * size.voxels as f64;
    // Volume and projections must be read or written at least once, as f32.
    let bytes = 4.0 * (voxels + rays);
    let what = format!("{0}³, {1} views of {2}²", size.voxels, size.views, size.pixels);
    let figure = |name: &str, seconds: f64, amount: f64, unit: &'static str| Figure {
        name: format!("{name} {what}"),
        seconds,
        amount,
        unit,
        least: bytes,
        bound: Bound::Bytes,
        fraction: None,
    };
    let filtered = vec![1.0f32; geometry.samples()];
    let forward = bench.median(|| operator.forward(&volume).map(drop))?;
    let adjoint = bench.median(|| operator.adjoint(&data).map(drop))?;
    let back = bench.median(|| xray::backproject(bench.device, &grid, &geometry, &filtered).map(drop))?;
    Ok(vec![
        figure("Joseph forward", forward, samples, "samples"),
        figure("Joseph adjoint", adjoint, samples, "samples"),
        figure("FDK backprojection with transfers,", back, voxels * size.views as f64, "updates"),
    ])
}

/// Measures one primal and one dual step of total variation.
fn variation(bench: &Stopwatch, size: Size) -> Result<Figure> {
    let (grid, _) = scan(size)?;
    let mut penalty = Variation::new(&grid, 1e-3, 0.0, bench.device)?;
    let zeros = || Tensor::f_rand(grid.shape.map(|n| n as i64), (Kind::Float, bench.device)).map_err(torch_error);
    let (x, back, mut out) = (zeros()?, zeros()?, zeros()?);
    let step = Step {
        primal: 0.3,
        data: 0.1,
        penalty: 0.3,
        relaxation: 1.8,
        scale: 1.0,
        nonnegative: true,
        bound: None,
        short: false,
    };
    let seconds = bench.median(|| {
        penalty.primal(&step, &back, &x, &mut out)?;
        penalty.dual(&step, &out, &x)
    })?;
    let voxels = grid.voxels() as f64;
    Ok(Figure {
        name: format!("TV primal and dual step {}³", size.voxels),
        seconds,
        amount: voxels,
        unit: "voxels",
        // Per voxel: the primal step reads x, back and the 3 components of q and writes out; the dual step reads x, out
        // and q and writes q.
        least: 4.0 * voxels * (5.0 + 1.0 + 5.0 + 3.0),
        bound: Bound::Bytes,
        fraction: None,
    })
}

/// Measures one training step of a field: values, gradients and the update by Adam.
fn step(bench: &Stopwatch, size: Size, name: &str, text: &str, bound: Bound) -> Result<Figure> {
    let kind: OneOf<FieldKind> =
        serde_yaml::from_str(text).map_err(|error| Error::config("field", error.to_string()))?;
    let domain = Domain::cube(3, size.voxels)?;
    let cost = kind.kind.as_part().cost(&domain);
    let field = kind.kind.as_part().build(&domain, 0, (Kind::Float, bench.device))?;
    let points = Tensor::f_rand([size.points as i64, 3], (Kind::Float, bench.device));
    let points = points.and_then(|points| points.f_mul_scalar(2.0)?.f_sub_scalar(1.0)).map_err(torch_error)?;
    let parameters: &[Parameter] = field.parameters();
    let mut optimizer = adam::Adam::new(adam::Config::default(), parameters);
    let seconds = bench.median(|| {
        field.accumulate(&points, &mut |values| Ok(values.shallow_clone()))?;
        optimizer.step(parameters, 1e-4)
    })?;
    let count = size.points as f64;
    // Products: 2 operations per weight and point forward, 4 backward. Tables: 128 f32 entries per point (8 levels x 8
    // corners x 2 features), each read once, its gradient read and written once.
    let products = cost.parameters.min(1 << 20) as f64 * 6.0 * count;
    let least = if bound == Bound::Bytes { 3.0 * 4.0 * 128.0 * count } else { products };
    Ok(Figure {
        name: format!("{name} step, {} points", size.points),
        seconds,
        amount: count,
        unit: "points",
        least,
        bound,
        fraction: None,
    })
}
