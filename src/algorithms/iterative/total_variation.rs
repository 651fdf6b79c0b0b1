//! The proximal map of total variation under constraints: argmin ½ ‖x − b‖² + w TV(x) over the admissible x, computed
//! on the dual problem.
//!
//! q ← project(q̄ + ∇x(q̄) / (w ‖∇‖²), |q| ≤ 1) with Nesterov's momentum, x(q) = P(b − w ∇ᵀq). A. Chambolle, J. Math.
//! Imaging Vis. 20, 2004; A. Beck, M. Teboulle, IEEE Trans. Image Process. 18, 2009 (FGP). P projects onto the
//! constraints. The dual variable q is kept as the start of the next call.

use super::LinearSystem;
use super::vectors::{add_scaled, copied, scale_and_add};
use crate::fields::regularizers::total_variation as tv;
use tch::{Kind, TchError, Tensor};

/// The proximal map with its dual variable.
pub(in crate::algorithms) struct Proximal {
    axes: Vec<(usize, f64)>,
    /// ‖∇‖².
    norm_squared: f64,
    dual: Vec<Tensor>,
}

impl Proximal {
    pub(in crate::algorithms) fn new(system: &LinearSystem<'_>) -> Result<Self, TchError> {
        let axes = tv::axes(system.operator.domain());
        let norm_squared = axes.iter().map(|(_, weight)| 4.0 * weight * weight).sum::<f64>().max(1e-12);
        let shape = system.operator.domain().shape.map(|n| n as i64);
        let dual =
            axes.iter().map(|_| Tensor::f_zeros(shape, (Kind::Float, system.run.device))).collect::<Result<_, _>>()?;
        Ok(Self { axes, norm_squared, dual })
    }

    /// argmin of ½ ‖x − b‖² + weight TV(x) over the admissible x, approximated by `steps` steps.
    pub(in crate::algorithms) fn apply(
        &mut self,
        system: &LinearSystem<'_>,
        b: &Tensor,
        weight: f64,
        steps: u64,
    ) -> Result<Tensor, TchError> {
        if weight <= 0.0 || self.axes.is_empty() {
            let mut x = copied(b)?;
            system.constrain(&mut x)?;
            return Ok(x);
        }
        let mut ahead: Vec<Tensor> = self.dual.iter().map(copied).collect::<Result<_, _>>()?;
        let mut t = 1.0f64;
        for _ in 0..steps {
            let x = self.primal(system, b, weight, &ahead)?;
            let step = 1.0 / (weight * self.norm_squared);
            for (q, slope) in ahead.iter_mut().zip(tv::gradient(&x, &self.axes)?) {
                add_scaled(q, step, &slope)?;
            }
            let shrink = magnitude(&ahead)?.f_clamp_min_(1.0)?;
            let next_t = f64::midpoint(1.0, (1.0 + 4.0 * t * t).sqrt());
            for (q, old) in ahead.iter_mut().zip(&mut self.dual) {
                let _ = q.f_div_(&shrink)?;
                // q̄ = q + β (q − old), and old becomes q.
                let next = copied(q)?;
                let moved = q.f_sub(old)?;
                add_scaled(q, (t - 1.0) / next_t, &moved)?;
                *old = next;
            }
            t = next_t;
        }
        self.primal(system, b, weight, &self.dual)
    }

    fn primal(&self, system: &LinearSystem<'_>, b: &Tensor, weight: f64, dual: &[Tensor]) -> Result<Tensor, TchError> {
        let mut x = tv::gradient_adjoint(dual, &self.axes)?;
        scale_and_add(&mut x, -weight, b)?;
        system.constrain(&mut x)?;
        Ok(x)
    }

    /// TV(x).
    pub(in crate::algorithms) fn value(&self, x: &Tensor) -> Result<f64, TchError> {
        if self.axes.is_empty() {
            return Ok(0.0);
        }
        Ok(magnitude(&tv::gradient(x, &self.axes)?)?.f_sum(Kind::Double)?.double_value(&[]))
    }
}

/// |q| voxel by voxel.
fn magnitude(fields: &[Tensor]) -> Result<Tensor, TchError> {
    let mut squares = fields[0].f_mul(&fields[0])?;
    for field in &fields[1..] {
        let _ = squares.f_addcmul_(field, field)?;
    }
    squares.f_sqrt_()
}
