//! Second-order total generalised variation, min over v of w Σ |∇x − v| + a w Σ |Ev|, E the symmetrised gradient.
//! Affine regions cost as little as constant ones, so that smooth slopes do not become steps (the staircasing of total
//! variation). Bredies, Kunisch, Pock, SIAM J. Imaging Sci. 3, 2010 (α₁ = w, α₀ = a w).
//!
//! The primal variables are x and the vector field v. The dual variables are q (|q| ≤ w) and the symmetric tensors r
//! (|r| ≤ a w in the Frobenius norm; off-diagonal entries are stored multiplied by √2). Both derivatives are forward
//! differences that are zero at the far faces, so that an affine volume has a cost there only. Computed with tensor
//! operations, on any device.

use super::variation::beyond;
use super::{Penalty, Step};
use crate::data::Grid;
use crate::error::Result;
use crate::fields::regularizers::total_variation as tv;
use crate::tensors::torch_error;
use std::f64::consts::FRAC_1_SQRT_2;
use tch::{Device, Kind, TchError, Tensor};

type Torch<T> = std::result::Result<T, TchError>;

/// Total generalised variation with its dual variables and the field v.
pub struct Generalised {
    weight: f64,
    ratio: f64,
    axes: Vec<(usize, f64)>,
    /// v, and ṽ of the current step: one tensor `[z, y, x]` per axis.
    v: Vec<Tensor>,
    next: Vec<Tensor>,
    q: Vec<Tensor>,
    r: Vec<Tensor>,
}

impl Generalised {
    /// The penalty on a grid, with all variables 0; `ratio` is a = α₀ / α₁.
    ///
    /// # Errors
    /// Memory.
    pub fn new(grid: &Grid, weight: f64, ratio: f64, device: Device) -> Result<Self> {
        let axes = tv::axes(grid);
        let zeros = |count: usize| -> Result<Vec<Tensor>> {
            let one = || Tensor::f_zeros(grid.shape.map(|n| n as i64), (Kind::Float, device)).map_err(torch_error);
            (0..count).map(|_| one()).collect()
        };
        let n = axes.len();
        Ok(Self { weight, ratio, v: zeros(n)?, next: zeros(n)?, q: zeros(n)?, r: zeros(n * (n + 1) / 2)?, axes })
    }

    fn norm(&self) -> f64 {
        tv::norm_squared(&self.axes).max(1e-12)
    }

    /// The step size τᵥ of v, with 4 σ τᵥ = ½; σ' is chosen so that σ' τᵥ ‖E‖² = ½.
    fn field_step(step: &Step) -> f64 {
        0.125 / step.penalty
    }

    /// Ev, in the order of [`entries`].
    fn symmetrised(&self, v: &[Tensor]) -> Torch<Vec<Tensor>> {
        let slopes = v.iter().map(|part| tv::gradient(part, &self.axes)).collect::<Torch<Vec<_>>>()?;
        let entry = |(k, l): (usize, usize)| {
            if k == l {
                Ok(slopes[k][k].shallow_clone())
            } else {
                slopes[l][k].f_add(&slopes[k][l])?.f_mul_scalar(FRAC_1_SQRT_2)
            }
        };
        entries(v.len()).map(entry).collect()
    }

    /// Eᵀr − q, one tensor per axis.
    fn field_slope(&self) -> Torch<Vec<Tensor>> {
        let mut slope = self.q.iter().map(Tensor::f_neg).collect::<Torch<Vec<_>>>()?;
        let adjoint = |r: &Tensor, k: usize| tv::gradient_adjoint(std::slice::from_ref(r), &self.axes[k..=k]);
        for (r, (k, l)) in self.r.iter().zip(entries(self.axes.len())) {
            if l == k {
                let _ = slope[k].f_add_(&adjoint(r, k)?)?;
            } else {
                let _ = slope[l].f_add_(&adjoint(r, k)?.f_mul_scalar(FRAC_1_SQRT_2)?)?;
                let _ = slope[k].f_add_(&adjoint(r, l)?.f_mul_scalar(FRAC_1_SQRT_2)?)?;
            }
        }
        Ok(slope)
    }

    /// ∇x − v.
    fn deviation(&self, x: &Tensor, v: &[Tensor]) -> Torch<Vec<Tensor>> {
        tv::gradient(x, &self.axes)?.iter().zip(v).map(|(slope, v)| slope.f_sub(v)).collect()
    }

    fn steps(&mut self, step: &Step, back: &Tensor, x: &Tensor) -> Torch<(Tensor, f64)> {
        let slope = back.f_mul_scalar(step.scale)?.f_add(&tv::gradient_adjoint(&self.q, &self.axes)?)?;
        let field_slope = self.field_slope()?;
        let mut found = 0.0;
        if let Some(bound) = step.bound {
            found = beyond(&slope, x, bound, step.nonnegative)?;
            // v is close to ∇x where it matters, so that the larger of both maxima bounds it.
            let largest =
                |fields: &[Tensor]| fields.iter().map(|field| field.abs().max().double_value(&[])).fold(0.0, f64::max);
            let bound = 1.5 * largest(&self.v).max(largest(&tv::gradient(x, &self.axes)?));
            for (slope, v) in field_slope.iter().zip(&self.v) {
                found += beyond(slope, v, bound, false)?;
            }
        }
        for ((next, v), slope) in self.next.iter_mut().zip(&self.v).zip(&field_slope) {
            *next = v.f_sub(&slope.f_mul_scalar(Self::field_step(step))?)?;
        }
        let moved = x.f_sub(&slope.f_mul_scalar(step.primal)?)?;
        Ok((if step.nonnegative { moved.f_clamp_min(0.0)? } else { moved }, found))
    }

    fn dual_steps(&mut self, step: &Step, ahead: &Tensor, behind: &Tensor) -> Torch<()> {
        let extrapolated = |ahead: &Tensor, behind: &Tensor| ahead.f_mul_scalar(2.0)?.f_sub(behind);
        let v = self
            .next
            .iter()
            .zip(&self.v)
            .map(|(ahead, behind)| extrapolated(ahead, behind))
            .collect::<Torch<Vec<_>>>()?;
        let deviation = self.deviation(&extrapolated(ahead, behind)?, &v)?;
        project(&mut self.q, &deviation, step.penalty, self.weight, step.relaxation)?;
        let entries = self.symmetrised(&v)?;
        let sigma = 0.5 / (Self::field_step(step) * self.norm());
        project(&mut self.r, &entries, sigma, self.ratio * self.weight, step.relaxation)?;
        self.v.iter_mut().zip(&self.next).try_for_each(|(v, next)| v.f_lerp_(next, step.relaxation).map(|_| ()))
    }

    fn values(&self, x: &Tensor) -> Torch<(f64, f64)> {
        let first = magnitude_and_product(&self.deviation(x, &self.v)?, &self.q)?;
        let second = magnitude_and_product(&self.symmetrised(&self.v)?, &self.r)?;
        let value = self.weight * first.0 + self.ratio * self.weight * second.0;
        Ok((value, (value - first.1 - second.1).max(0.0)))
    }
}

/// Index pairs (k, l), k ≤ l, of the stored entries of a symmetric tensor, row by row.
fn entries(axes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..axes).flat_map(move |k| (k..axes).map(move |l| (k, l)))
}

/// q ← q + ρ (project(q + σg, |q| ≤ radius) − q), with one tensor per component of the vectors.
fn project(q: &mut [Tensor], g: &[Tensor], sigma: f64, radius: f64, relaxation: f64) -> Torch<()> {
    let moved = q.iter().zip(g).map(|(q, g)| q.f_add(&g.f_mul_scalar(sigma)?)).collect::<Torch<Vec<_>>>()?;
    let Some(first) = moved.first() else { return Ok(()) };
    let mut squares = first.f_zeros_like()?;
    for part in &moved {
        let _ = squares.f_addcmul_(part, part)?;
    }
    // With radius 0, q stays 0.
    let shrink = squares.f_sqrt()?.f_clamp_min_(radius)?.f_clamp_min_(1e-30)?.f_reciprocal_()?.f_mul_scalar_(radius)?;
    for (q, mut moved) in q.iter_mut().zip(moved) {
        let _ = q.f_lerp_(&moved.f_mul_(&shrink)?, relaxation)?;
    }
    Ok(())
}

/// Σ |g| and Σ g·q over the voxels, with one tensor per component of the vectors.
fn magnitude_and_product(g: &[Tensor], q: &[Tensor]) -> Torch<(f64, f64)> {
    let Some(first) = g.first() else { return Ok((0.0, 0.0)) };
    let (mut squares, mut product) = (first.f_zeros_like()?, 0.0);
    for (g, q) in g.iter().zip(q) {
        let _ = squares.f_addcmul_(g, g)?;
        product += g.f_mul(q)?.f_sum(Kind::Double)?.double_value(&[]);
    }
    Ok((squares.f_sqrt()?.f_sum(Kind::Double)?.double_value(&[]), product))
}

impl Penalty for Generalised {
    /// The factor 4/3 is that of |∇x − v|² ≤ 4/3 |∇x|² + 4 |v|².
    fn norm_squared(&self) -> f64 {
        4.0 / 3.0 * self.norm()
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn reweight(&mut self, weight: f64) -> Result<()> {
        let factor = if self.weight > 0.0 { weight / self.weight } else { 0.0 };
        self.weight = weight;
        let mut all = self.q.iter_mut().chain(&mut self.r);
        all.try_for_each(|part| part.f_mul_scalar_(factor).map(|_| ())).map_err(torch_error)
    }

    fn primal(&mut self, step: &Step, back: &Tensor, x: &Tensor, out: &mut Tensor) -> Result<f64> {
        let (moved, beyond) = self.steps(step, back, x).map_err(torch_error)?;
        *out = moved;
        Ok(beyond)
    }

    fn dual(&mut self, step: &Step, ahead: &Tensor, behind: &Tensor) -> Result<()> {
        self.dual_steps(step, ahead, behind).map_err(torch_error)
    }

    fn value(&self, x: &Tensor) -> Result<(f64, f64)> {
        self.values(x).map_err(torch_error)
    }
}
