//! The connection between fields and the hand-written kernels of the CPU ([`super::kernels`]) or GPU
//! ([`super::device`]): when the kernels apply, and gradients that are computed without autograd.

use super::kernels::levels::Levels;
use super::{Parameter, device};
use crate::error::Result;
use crate::tensors::cuda::Card;
use crate::tensors::{from_slice, lend, lend_mut, torch_error};
use tch::{Device, Kind, TchError, Tensor};

/// Whether the kernels can evaluate these points: f32, at least one.
pub(super) fn applies(points: &Tensor) -> bool {
    points.kind() == Kind::Float && points.numel() > 0
}

/// Interpolated features `[n, width]` at `points` `[n, inputs]`, without gradients.
pub(super) fn gather(levels: &Levels, table: &Tensor, points: &Tensor) -> Result<Tensor> {
    let count = points.size()[0];
    let points = points.f_contiguous().map_err(torch_error)?;
    if let Some(card) = Card::of(points.device())? {
        return device::gather(&card, levels, table, &points);
    }
    let mut out = Tensor::f_empty([count, levels.width() as i64], (Kind::Float, Device::Cpu)).map_err(torch_error)?;
    levels.gather(lend(table)?, lend(&points)?, lend_mut(&mut out)?);
    Ok(out)
}

/// Adds the gradient of Σ slopes · features, with slopes `[n, width]`, to the table's `.grad`.
pub(super) fn scatter(levels: &Levels, table: &Tensor, points: &Tensor, slopes: &Tensor) -> Result<()> {
    let contiguous = |tensor: &Tensor| tensor.f_contiguous().map_err(torch_error);
    let (points, slopes) = (contiguous(points)?, contiguous(slopes)?);
    if let Some(card) = Card::of(points.device())? {
        let gradient = gradient(table).map_err(torch_error)?;
        return device::scatter(&card, levels, &slopes, &points, &gradient);
    }
    levels.scatter(lend(&slopes)?, lend(&points)?, lend_mut(&mut gradient(table).map_err(torch_error)?)?);
    Ok(())
}

/// A parameter's `.grad`; allocated as zeros if it does not exist yet.
pub(super) fn gradient(value: &Tensor) -> std::result::Result<Tensor, TchError> {
    if !value.grad().defined() {
        // libtorch allocates `.grad` in a backward pass: here that of an empty sum, whose gradient is zero.
        tch::with_grad(|| value.f_view([-1])?.f_narrow(0, 0, 0)?.f_sum(value.kind())?.f_backward())?;
    }
    Ok(value.grad())
}

/// Adds the values of `part` to a parameter's `.grad`.
pub(super) fn add(parameter: &Parameter, part: &[f32]) -> Result<()> {
    let shape: Vec<usize> = parameter.value.size().iter().map(|&n| n as usize).collect();
    let part = from_slice(part, &shape, Device::Cpu)?;
    let _ = gradient(&parameter.value).and_then(|mut sum| sum.f_add_(&part)).map_err(torch_error)?;
    Ok(())
}

/// Asserts that the values and gradients that the kernels give for an f32 field agree with its tensor expression;
/// `tolerance` bounds the relative error in the Euclidean norm.
#[cfg(test)]
pub(super) fn compare(field: &dyn super::Field, points: &Tensor, tolerance: f64, what: &str) {
    let distance = |a: &Tensor, b: &Tensor| ((a - b).norm() / (b.norm() + 1e-12)).double_value(&[]);
    let reference = field.attenuation(points).unwrap();
    let error = distance(&field.evaluate(points).unwrap(), &reference.detach());
    assert!(error <= tolerance, "{what}: values differ by {error}");
    let weights = Tensor::from_slice(&(0..points.size()[0]).map(|i| (i as f32 * 0.7).cos()).collect::<Vec<_>>());
    let gradients = || -> Vec<Tensor> {
        let of = |p: &Parameter| p.value.requires_grad().then(|| (p.value.grad().copy(), p.value.grad().zero_()).0);
        field.parameters().iter().filter_map(of).collect()
    };
    (&reference * &weights).sum(Kind::Float).backward();
    let expected = gradients();
    let mut slopes = |values: &Tensor| {
        let error = distance(values, &reference.detach());
        assert!(error <= tolerance, "{what}: values in accumulate differ by {error}");
        Ok(weights.shallow_clone())
    };
    for round in 0..2 {
        field.accumulate(points, &mut slopes).unwrap();
        for (number, (found, expected)) in gradients().iter().zip(&expected).enumerate() {
            let error = distance(found, expected);
            assert!(error <= tolerance, "{what}: gradient {number} differs by {error} in round {round}");
        }
    }
}
