//! Quadrature error of the projector for a field, measured by integrating the same rays with a much finer step.

use super::Objective;
use crate::error::Result;
use crate::fields::Field;
use crate::fields::coordinates::Coordinates;
use crate::operators::xray;
use crate::operators::xray::rays::IndexRay;
use crate::random::stream;
use crate::tensors::{to_vec, torch_error};
use rand::RngExt;
use tch::{Kind, Tensor};

/// Number of rays that are compared.
const RAYS: usize = 128;
/// Samples of the fine integration per smallest voxel edge.
const FINENESS: f64 = 4.0;

/// Relative error ‖A x − ∫ f‖ / ‖∫ f‖ over some random rays: x is the field on the lattice, A the objective's
/// projector, and ∫ f the midpoint rule with four samples per smallest voxel edge. The same seed gives the same rays; 0
/// if ∫ f is zero on all of them.
///
/// # Errors
/// When memory runs out.
pub fn error(field: &dyn Field, objective: &Objective) -> Result<f64> {
    let mut random = stream(objective.seed, "quadrature rays", 0);
    let rays: Vec<usize> = (0..RAYS).map(|_| random.random_range(0..objective.geometry.samples())).collect();
    let fine = rays.iter().map(|&sample| integral(field, objective, sample)).collect::<Result<Vec<f64>>>()?;
    let coordinates = Coordinates::new(&objective.grid, &objective.grid, objective.options)?;
    let all =
        Tensor::f_arange(objective.grid.voxels() as i64, (Kind::Int64, objective.options.1)).map_err(torch_error)?;
    let lattice =
        objective.evaluate(field, all.size()[0], &|first, n| coordinates.of_voxels(&all.narrow(0, first, n)))?;
    let projector = xray::build(objective.sampling, &objective.grid, &objective.geometry, objective.options.1)?;
    let projected = to_vec(&projector.forward(&lattice.view(objective.grid.shape.map(|n| n as i64)))?)?;
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let apart = square(&mut rays.iter().zip(&fine).map(|(&sample, fine)| f64::from(projected[sample]) - fine));
    let whole = square(&mut fine.iter().copied());
    Ok(if whole > 0.0 { (apart / whole).sqrt() } else { 0.0 })
}

/// The line integral of the field along a ray, in units of mu_ref times mm.
fn integral(field: &dyn Field, objective: &Objective, sample: usize) -> Result<f64> {
    let ray = IndexRay::of_sample(&objective.grid, &objective.geometry, sample);
    let spacing = objective.grid.spacing.iter().copied().fold(f64::INFINITY, f64::min);
    let count = (ray.length() / spacing * FINENESS).ceil() as usize;
    if count == 0 {
        return Ok(0.0);
    }
    let at = |i: usize| {
        let t = ray.enter + ray.length() * (i as f64 + 0.5) / count as f64;
        (0..3).map(move |k| ray.origin[k] + t * ray.direction[k]).collect::<Vec<f64>>()
    };
    let indices: Vec<f64> = (0..count).flat_map(at).collect();
    let make = || {
        Tensor::f_from_slice(&indices)?
            .f_view([-1, 3])?
            .f_to_device(objective.options.1)?
            .f_to_kind(objective.options.0)
    };
    let points = Coordinates::new(&objective.grid, &objective.grid, objective.options)?
        .of_indices(&make().map_err(torch_error)?)?;
    let sum = field.evaluate(&points)?.sum(Kind::Double).double_value(&[]);
    Ok(sum * ray.length() / count as f64)
}
