//! Regularisers: prior knowledge about the volume as differentiable penalties.
//!
//! [`total_variation`] belongs to the key `tv` and has a hand-derived gradient. The others are a family: each gives a
//! penalty per voxel from the voxel's value and its forward differences, so that it can be used on a whole grid and on
//! random voxels alike.

pub mod huber_tv;
pub mod kernels;
pub mod log_tv;
pub mod nonnegativity;
pub mod sparsity;
pub mod tikhonov;
pub mod total_variation;

use crate::error::Result;
use tch::{Kind, TchError, Tensor};

/// Configuration of a regulariser, which also computes the penalty.
pub trait Regularizer {
    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self) -> Result<()>;
    /// Factor on the sum of the penalties over all voxels.
    fn weight(&self) -> f64;
    /// The penalty `[n]` of voxels with values `[n]` (mu / mu_ref) and forward differences `[n]` along each axis
    /// ([`total_variation::axes`]); differentiable by autograd.
    ///
    /// # Errors
    /// When memory runs out.
    fn penalty(&self, values: &Tensor, slopes: &[Tensor]) -> std::result::Result<Tensor, TchError>;
    /// ε, if the penalty is that of [`log_tv`], for which there is a GPU kernel; otherwise `None`.
    fn logarithm(&self) -> Option<f64> {
        None
    }
}

crate::kinds! {
    /// The regularisers besides total variation.
    pub enum RegularizerKind: "regularizer" => dyn Regularizer {
        /// Total variation that is quadratic for small differences.
        huber_tv => HuberTv(huber_tv::Config),
        /// Total variation with a logarithm, which penalises high edges little more than low ones.
        log_tv => LogTv(log_tv::Config),
        /// Sum of the squared gradient.
        tikhonov => Tikhonov(tikhonov::Config),
        /// Sum of absolute values.
        sparsity => Sparsity(sparsity::Config),
        /// Sum of the squares of negative values.
        nonnegativity => Nonnegativity(nonnegativity::Config),
    }
}

/// The weighted sum of a regulariser's penalties over a volume `[z, y, x]` (mu / mu_ref), and its gradient with respect
/// to the volume. `axes` are those of [`total_variation::axes`].
///
/// # Errors
/// When memory runs out.
pub fn value_and_gradient(
    part: &dyn Regularizer,
    x: &Tensor,
    axes: &[(usize, f64)],
) -> std::result::Result<(f64, Tensor), TchError> {
    if let Some(epsilon) = part.logarithm().filter(|_| !axes.is_empty())
        && let Some((value, gradient)) = total_variation::on_card(x, axes, epsilon)?
    {
        return Ok((value * part.weight(), gradient.f_mul_scalar(part.weight())?));
    }
    tch::with_grad(|| {
        let leaf = x.detach().f_set_requires_grad(true)?;
        let slopes: Vec<Tensor> = total_variation::gradient(&leaf, axes)?.iter().map(|slope| slope.view(-1)).collect();
        let sum = part.penalty(&leaf.f_view([-1])?, &slopes)?.f_sum(x.kind())?.f_mul_scalar(part.weight())?;
        if !sum.requires_grad() {
            return Ok((sum.double_value(&[]), x.f_zeros_like()?));
        }
        sum.f_backward()?;
        Ok((sum.f_to_kind(Kind::Double)?.double_value(&[]), leaf.grad()))
    })
}

/// Sum of the squared differences over the axes `[n]`; zeros without axes.
fn squares(values: &Tensor, slopes: &[Tensor]) -> std::result::Result<Tensor, TchError> {
    let mut sum = values.f_zeros_like()?;
    for slope in slopes {
        sum = sum.f_add(&slope.f_square()?)?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Kinds;
    use tch::Device;

    fn random(seed: u64) -> Tensor {
        use rand::RngExt;
        let mut stream = crate::random::stream(seed, "test", 0);
        let values: Vec<f64> = (0..3 * 5 * 4).map(|_| stream.random_range(-1.0..1.0)).collect();
        Tensor::from_slice(&values).view([3, 5, 4])
    }

    const AXES: [(usize, f64); 3] = [(0, 0.5), (1, 1.0), (2, 1.0)];

    #[test]
    fn every_gradient_is_the_finite_difference() {
        for name in RegularizerKind::NAMES {
            let kind = RegularizerKind::default_of(name).unwrap();
            let (x, direction) = (random(1), random(2));
            let (_, slope) = value_and_gradient(kind.as_part(), &x, &AXES).unwrap();
            let at = |h: f64| value_and_gradient(kind.as_part(), &(&x + &direction * h), &AXES).unwrap().0;
            let finite = (at(1e-6) - at(-1e-6)) / 2e-6;
            let exact = (slope * direction).sum(Kind::Double).double_value(&[]);
            assert!((finite - exact).abs() < 1e-5 * exact.abs().max(1e-6), "{name}: {finite} {exact}");
        }
    }

    #[test]
    fn nothing_costs_nothing() {
        let zero = Tensor::zeros([3, 5, 4], (Kind::Double, Device::Cpu));
        for name in RegularizerKind::NAMES {
            let kind = RegularizerKind::default_of(name).unwrap();
            assert!(kind.as_part().weight() > 0.0, "{name}");
            let (value, _) = value_and_gradient(kind.as_part(), &zero, &AXES).unwrap();
            assert!(value.abs() < 1e-5, "{name}: {value}");
        }
    }

    #[test]
    fn huber_is_total_variation_where_steps_are_large_and_tikhonov_where_they_are_small() {
        let huber = huber_tv::Config { weight: 1.0, delta: 0.1 };
        let tikhonov = tikhonov::Config { weight: 1.0 };
        let ramp = |height: f64| Tensor::from_slice(&[0.0, height, 2.0 * height]).view([1, 1, 3]);
        let of = |part: &dyn Regularizer, height: f64| value_and_gradient(part, &ramp(height), &[(2, 1.0)]).unwrap().0;
        assert!((of(&huber, 5.0) - 2.0 * (5.0 - 0.05)).abs() < 1e-9);
        assert!((of(&huber, 0.01) - of(&tikhonov, 0.01) / 0.1).abs() < 1e-9);
    }
}
