//! Isotropic, smoothed total variation: TV(x) = Σ √(Σₖ (sₖ ∂ₖx)² + ε²), with forward differences between neighbouring
//! voxels that are zero at the far faces.
//!
//! sₖ = (smallest in-plane spacing) / (spacing along k), so that differences across thick slices get a lower weight.
//! Rudin, Osher, Fatemi, Physica D 1992; ε as in the smoothed objective of Sidky and Pan, Phys. Med. Biol. 2008.

use super::kernels::Lattice;
use crate::data::Grid;
use crate::fields::device::variation::OnCard;
use crate::tensors::cuda::Card;
use tch::{Kind, TchError, Tensor};

/// ε² of the smoothing, in the squared unit of x = mu / mu_ref.
pub const EPSILON_SQUARED: f64 = 1e-8;

/// The axes along which differences are taken (those with more than one voxel; no z in 2-D), with their weights sₖ.
#[must_use]
pub fn axes(grid: &Grid) -> Vec<(usize, f64)> {
    let reference = grid.spacing[1].min(grid.spacing[2]);
    (0..3).filter(|&k| grid.shape[k] > 1).map(|k| (k, reference / grid.spacing[k])).collect()
}

/// Upper bound 4 Σ sₖ² of ‖∇‖² for the operator ∇ of [`gradient`].
#[must_use]
pub fn norm_squared(axes: &[(usize, f64)]) -> f64 {
    axes.iter().map(|(_, weight)| 4.0 * weight * weight).sum()
}

/// Forward differences sₖ ∂ₖx of a volume `[z, y, x]`, one tensor per axis of [`axes`], zero on the last layer.
///
/// # Errors
/// When memory runs out.
pub fn gradient(x: &Tensor, axes: &[(usize, f64)]) -> Result<Vec<Tensor>, TchError> {
    let difference = |&(k, weight): &(usize, f64)| {
        let (k, n) = (k as i64, x.size()[k]);
        let step = x.f_narrow(k, 1, n - 1)?.f_sub(&x.f_narrow(k, 0, n - 1)?)?.f_mul_scalar(weight)?;
        let mut shape = x.size();
        shape[k as usize] = 1;
        Tensor::f_cat(&[step, Tensor::f_zeros(shape, (x.kind(), x.device()))?], k)
    };
    axes.iter().map(difference).collect()
}

/// The adjoint of [`gradient`]: minus the discrete divergence, a volume `[z, y, x]`.
///
/// # Errors
/// When memory runs out.
pub fn gradient_adjoint(fields: &[Tensor], axes: &[(usize, f64)]) -> Result<Tensor, TchError> {
    let mut total: Option<Tensor> = None;
    for (field, &(k, weight)) in fields.iter().zip(axes) {
        let (k, n) = (k as i64, field.size()[k]);
        let inner = field.f_narrow(k, 0, n - 1)?.f_mul_scalar(weight)?;
        let part = field.f_zeros_like()?;
        let _ = part.f_narrow(k, 0, n - 1)?.f_sub_(&inner)?;
        let _ = part.f_narrow(k, 1, n - 1)?.f_add_(&inner)?;
        total = Some(match total {
            Some(sum) => sum.f_add(&part)?,
            None => part,
        });
    }
    total.ok_or_else(|| TchError::Torch("a volume of one voxel has no gradient".to_string()))
}

/// TV(x) and its exact gradient ∇ᵀ(∇x / √(|∇x|² + ε²)) with respect to x.
///
/// # Errors
/// When memory runs out.
pub fn value_and_gradient(x: &Tensor, axes: &[(usize, f64)]) -> Result<(f64, Tensor), TchError> {
    if axes.is_empty() {
        return Ok((0.0, x.f_zeros_like()?));
    }
    if let Some(found) = on_card(x, axes, 0.0)? {
        return Ok(found);
    }
    let mut slopes = gradient(x, axes)?;
    let mut squares = x.f_full_like(EPSILON_SQUARED)?;
    for slope in &slopes {
        let _ = squares.f_addcmul_(slope, slope)?;
    }
    let magnitude = squares.f_sqrt()?;
    let value = magnitude.f_sum(Kind::Double)?.double_value(&[]);
    for slope in &mut slopes {
        *slope = slope.f_div(&magnitude)?;
    }
    Ok((value, gradient_adjoint(&slopes, axes)?))
}

/// Value and gradient by the GPU kernels if `x` is f32 on a GPU: of total variation for `epsilon` 0, of its logarithm
/// for `epsilon` above 0.
pub(super) fn on_card(x: &Tensor, axes: &[(usize, f64)], epsilon: f64) -> Result<Option<(f64, Tensor)>, TchError> {
    let told = |error: crate::error::Error| TchError::Torch(error.to_string());
    let Some(card) = Card::of(x.device()).map_err(told)?.filter(|_| x.kind() == Kind::Float) else { return Ok(None) };
    let (mut shape, mut slopes) = ([1; 3], [0.0f32; 3]);
    shape.iter_mut().zip(x.size()).for_each(|(to, from)| *to = from as usize);
    for &(k, weight) in axes {
        slopes[k] = weight as f32;
    }
    let penalty = OnCard::new(card, Lattice { shape, slopes }).map_err(told)?;
    penalty.gradient(&x.f_detach()?.f_contiguous()?, EPSILON_SQUARED, epsilon).map(Some).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn random(shape: [i64; 3], seed: u64) -> Tensor {
        use rand::RngExt;
        let mut stream = crate::random::stream(seed, "test", 0);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| stream.random_range(-1.0..1.0)).collect();
        Tensor::from_slice(&values).view(shape)
    }

    #[test]
    fn gradient_and_its_adjoint_are_transposes() {
        let axes = [(0, 0.4), (1, 1.0), (2, 1.0)];
        let x = random([3, 4, 5], 0);
        let fields: Vec<Tensor> = (1..4).map(|seed| random([3, 4, 5], seed)).collect();
        let left: f64 = gradient(&x, &axes)
            .unwrap()
            .iter()
            .zip(&fields)
            .map(|(a, b)| (a * b).sum(Kind::Double).double_value(&[]))
            .sum();
        let right = (x * gradient_adjoint(&fields, &axes).unwrap()).sum(Kind::Double).double_value(&[]);
        assert!((left - right).abs() < 1e-12 * left.abs().max(1.0), "{left} {right}");
    }

    #[test]
    fn the_gradient_is_the_finite_difference() {
        let axes = [(1, 1.0), (2, 0.7)];
        let (x, direction) = (random([1, 6, 5], 4), random([1, 6, 5], 5));
        let (_, slope) = value_and_gradient(&x, &axes).unwrap();
        let at = |h: f64| value_and_gradient(&(&x + &direction * h), &axes).unwrap().0;
        let finite = (at(1e-5) - at(-1e-5)) / 2e-5;
        let exact = (slope * direction).sum(Kind::Double).double_value(&[]);
        assert!((finite - exact).abs() < 1e-6 * exact.abs(), "{finite} {exact}");
    }

    #[test]
    fn a_step_edge_counts_its_area_times_its_height() {
        let x = Tensor::zeros([1, 4, 6], (Kind::Double, Device::Cpu));
        let _ = x.narrow(2, 3, 3).fill_(2.0);
        let (value, _) = value_and_gradient(&x, &[(1, 1.0), (2, 1.0)]).unwrap();
        assert!((value - 8.0).abs() < 0.01, "{value}");
    }
}
