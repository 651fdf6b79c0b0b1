//! w Σ h(|∇x|): total variation (Rudin, Osher, Fatemi, Physica D 60, 1992) or, quadratic below δ, Huber's function of
//! the gradient (Huber 1964), which avoids staircasing of smooth shading. The dual variable is q, one vector per voxel
//! with |q| ≤ w.
//!
//! Each step is one pass of a kernel on the CPU or a GPU; tensor operations are the reference in tests.

use super::{Penalty, Step};
use crate::data::Grid;
use crate::error::Result;
use crate::fields::device::variation::OnCard;
use crate::fields::regularizers::kernels::{self, Dual, Lattice, Primal};
use crate::fields::regularizers::total_variation as tv;
use crate::tensors::cuda::Card;
use crate::tensors::{lend, lend_mut, torch_error};
use tch::{Device, Kind, TchError, Tensor};

/// w Σ h(|∇x|) with its dual variable.
pub struct Variation {
    weight: f64,
    delta: f64,
    axes: Vec<(usize, f64)>,
    lattice: Lattice,
    /// Components along z, y, x, each `[z, y, x]`; 0 for an axis with a single voxel.
    q: [Tensor; 3],
    place: Place,
}

/// The implementation that takes the steps.
enum Place {
    /// Kernels on the CPU.
    Host,
    /// Kernels on a GPU.
    Card(OnCard),
    /// Tensor operations, the reference for both in tests.
    #[cfg(test)]
    Tensors,
}

impl Variation {
    /// The penalty on a grid, with q = 0. `delta` is the Huber width δ in x per voxel; 0 is total variation.
    ///
    /// # Errors
    /// Memory.
    pub fn new(grid: &Grid, weight: f64, delta: f64, device: Device) -> Result<Self> {
        let axes = tv::axes(grid);
        let mut slopes = [0.0; 3];
        for &(k, slope) in &axes {
            slopes[k] = slope as f32;
        }
        let zeros = || Tensor::f_zeros(grid.shape.map(|n| n as i64), (Kind::Float, device)).map_err(torch_error);
        let q = [zeros()?, zeros()?, zeros()?];
        let lattice = Lattice { shape: grid.shape, slopes };
        let place = match Card::of(device)? {
            Some(card) => Place::Card(OnCard::new(card, lattice)?),
            None => Place::Host,
        };
        Ok(Self { weight, delta, axes, lattice, q, place })
    }

    fn divisor(&self, sigma: f64) -> f64 {
        if self.weight > 0.0 { 1.0 + sigma * self.delta / self.weight } else { 1.0 }
    }

    fn slices(&self) -> Result<[&[f32]; 3]> {
        Ok([lend(&self.q[0])?, lend(&self.q[1])?, lend(&self.q[2])?])
    }
}

/// The steps as tensor operations, for tests.
#[cfg(test)]
impl Variation {
    /// The components of q along axes with more than one voxel.
    fn fields(&self) -> Vec<Tensor> {
        self.axes.iter().map(|&(k, _)| self.q[k].shallow_clone()).collect()
    }

    fn dual_tensors(&mut self, sigma: f64, relaxation: f64, x: &Tensor) -> std::result::Result<(), TchError> {
        let mut squares = x.f_zeros_like()?;
        let mut moved = Vec::with_capacity(3);
        for (&(k, _), mut slope) in self.axes.iter().zip(tv::gradient(x, &self.axes)?) {
            let _ = slope.f_mul_scalar_(sigma)?.f_add_(&self.q[k])?.f_mul_scalar_(1.0 / self.divisor(sigma))?;
            let _ = squares.f_addcmul_(&slope, &slope)?;
            moved.push((k, slope));
        }
        // With weight 0, q stays 0.
        let shrink = squares
            .f_sqrt()?
            .f_clamp_min_(self.weight)?
            .f_clamp_min_(1e-30)?
            .f_reciprocal_()?
            .f_mul_scalar_(self.weight)?;
        for (k, mut moved) in moved {
            let _ = self.q[k].f_lerp_(&moved.f_mul_(&shrink)?, relaxation)?;
        }
        Ok(())
    }

    fn primal_tensors(&self, step: &Step, back: &Tensor, x: &Tensor) -> std::result::Result<(Tensor, f64), TchError> {
        let mut slope = back.f_mul_scalar(step.scale)?;
        if !self.axes.is_empty() {
            let _ = slope.f_add_(&tv::gradient_adjoint(&self.fields(), &self.axes)?)?;
        }
        let beyond = step.bound.map_or(Ok(0.0), |bound| beyond(&slope, x, bound, step.nonnegative))?;
        let moved = x.f_sub(&slope.f_mul_scalar_(step.primal)?)?;
        Ok((if step.nonnegative { moved.f_clamp_min(0.0)? } else { moved }, beyond))
    }

    fn value_tensors(&self, x: &Tensor) -> std::result::Result<(f64, f64), TchError> {
        let mut squares = x.f_zeros_like()?.f_to_kind(Kind::Double)?;
        let mut rest = squares.f_zeros_like()?;
        let quadratic = if self.weight > 0.0 { self.delta / (2.0 * self.weight) } else { 0.0 };
        for (q, slope) in self.fields().iter().zip(tv::gradient(&x.f_to_kind(Kind::Double)?, &self.axes)?) {
            let _ = squares.f_addcmul_(&slope, &slope)?;
            let q = q.f_to_kind(Kind::Double)?;
            let _ = rest.f_add_(&q.f_square()?.f_mul_scalar(quadratic)?)?.f_sub_(&slope.f_mul(&q)?)?;
        }
        let length = squares.f_sqrt()?;
        let far = length.f_sub_scalar(self.delta / 2.0)?;
        let near = squares.f_mul_scalar(0.5 / self.delta.max(1e-30))?;
        let value = near.f_where_self(&length.f_lt(self.delta)?, &far)?.f_mul_scalar(self.weight)?;
        let sum = |tensor: &Tensor| tensor.f_sum(Kind::Double).map(|sum| sum.double_value(&[]));
        Ok((sum(&value)?, sum(&value.f_add(&rest)?)?))
    }
}

/// Σ (x s + M max(−s, 0)) for x ≥ 0, or Σ (x s + M |s|) without that constraint: the term of the duality gap within the
/// box |x| ≤ M, where s is `slope`.
pub(super) fn beyond(slope: &Tensor, x: &Tensor, bound: f64, nonnegative: bool) -> std::result::Result<f64, TchError> {
    let outside = if nonnegative { slope.f_neg()?.f_clamp_min(0.0)? } else { slope.f_abs()? };
    Ok(outside.f_mul_scalar(bound)?.f_add(&slope.f_mul(x)?)?.f_sum(Kind::Double)?.double_value(&[]))
}

impl Penalty for Variation {
    fn norm_squared(&self) -> f64 {
        tv::norm_squared(&self.axes)
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn reweight(&mut self, weight: f64) -> Result<()> {
        let factor = if self.weight > 0.0 { weight / self.weight } else { 0.0 };
        self.weight = weight;
        self.q.iter_mut().try_for_each(|q| q.f_mul_scalar_(factor).map(|_| ())).map_err(torch_error)
    }

    fn primal(&mut self, step: &Step, back: &Tensor, x: &Tensor, out: &mut Tensor) -> Result<f64> {
        let bound = step.bound.map(|bound| bound as f32);
        let fixed = Primal { tau: step.primal as f32, scale: step.scale as f32, nonnegative: step.nonnegative, bound };
        match &self.place {
            Place::Host => {
                Ok(kernels::primal_step(&self.lattice, lend(back)?, self.slices()?, lend(x)?, lend_mut(out)?, &fixed))
            }
            Place::Card(card) => card.primal(&back.contiguous(), &self.q, x, out, &fixed),
            #[cfg(test)]
            Place::Tensors => {
                let (moved, beyond) = self.primal_tensors(step, back, x).map_err(torch_error)?;
                *out = moved;
                Ok(beyond)
            }
        }
    }

    fn dual(&mut self, step: &Step, ahead: &Tensor, behind: &Tensor) -> Result<()> {
        let divisor = self.divisor(step.penalty) as f32;
        let (sigma, weight, relaxation) = (step.penalty as f32, self.weight as f32, step.relaxation as f32);
        let fixed = Dual { sigma, weight, divisor, relaxation };
        match &self.place {
            Place::Host => {
                let [z, y, x] = &mut self.q;
                let q = [lend_mut(z)?, lend_mut(y)?, lend_mut(x)?];
                kernels::dual_step(&self.lattice, lend(ahead)?, lend(behind)?, q, &fixed);
                Ok(())
            }
            Place::Card(card) => card.dual(ahead, behind, &self.q, &fixed),
            #[cfg(test)]
            Place::Tensors => {
                let twice = ahead.f_mul_scalar(2.0).and_then(|twice| twice.f_sub(behind)).map_err(torch_error)?;
                self.dual_tensors(step.penalty, step.relaxation, &twice).map_err(torch_error)
            }
        }
    }

    fn value(&self, x: &Tensor) -> Result<(f64, f64)> {
        match &self.place {
            Place::Host => Ok(kernels::value(&self.lattice, lend(x)?, self.slices()?, self.weight, self.delta)),
            Place::Card(card) => card.value(x, &self.q, self.weight, self.delta),
            #[cfg(test)]
            Place::Tensors => self.value_tensors(x).map_err(torch_error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(shape: [usize; 3], seed: u64, low: f64) -> Tensor {
        use rand::RngExt;
        let mut stream = crate::random::stream(seed, "test", 0);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.random_range(low..1.0) as f32).collect();
        crate::tensors::from_slice(&values, &shape, Device::Cpu).unwrap()
    }

    fn difference(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    /// The same penalty by kernels and by tensor operations, after a few of the same steps.
    #[test]
    fn the_kernels_do_what_the_tensor_operations_do() {
        for (shape, delta, nonnegative) in
            [([5, 6, 7], 0.0, true), ([1, 9, 4], 0.05, true), ([3, 1, 33], 0.02, false), ([40, 2, 1], 0.0, false)]
        {
            let grid = Grid::centered(shape, [2.0, 1.0, 1.5], [0.0; 3]).unwrap();
            let mut kernels = Variation::new(&grid, 0.3, delta, Device::Cpu).unwrap();
            let mut tensors =
                Variation { place: Place::Tensors, ..Variation::new(&grid, 0.3, delta, Device::Cpu).unwrap() };
            let step = Step {
                primal: 0.7,
                data: 0.1,
                penalty: 0.4,
                relaxation: 1.9,
                scale: 0.5,
                nonnegative,
                bound: Some(2.0),
                short: false,
            };
            for turn in 0..4 {
                let (ahead, behind, back) =
                    (random(shape, turn, 0.0), random(shape, 10 + turn, 0.0), random(shape, 20 + turn, -1.0));
                kernels.dual(&step, &ahead, &behind).unwrap();
                tensors.dual(&step, &ahead, &behind).unwrap();
                (0..3).for_each(|k| assert!(difference(&kernels.q[k], &tensors.q[k]) < 1e-5, "q {k} {shape:?}"));
                let (mut one, mut other) = (ahead.zeros_like(), ahead.zeros_like());
                let found = kernels.primal(&step, &back, &behind, &mut one).unwrap();
                let expected = tensors.primal(&step, &back, &behind, &mut other).unwrap();
                assert!((found - expected).abs() < 1e-4 * expected.abs().max(1.0), "{found} {expected}");
                assert!(difference(&one, &other) < 1e-5);
                let (found, expected) = (kernels.value(&ahead).unwrap(), tensors.value(&ahead).unwrap());
                assert!(
                    (found.0 - expected.0).abs() < 1e-4 && (found.1 - expected.1).abs() < 1e-4,
                    "{found:?} {expected:?}"
                );
            }
        }
    }

    #[test]
    fn weight_zero_keeps_the_dual_at_zero() {
        let grid = Grid::centered([2, 3, 4], [1.0; 3], [0.0; 3]).unwrap();
        let step = Step {
            primal: 0.7,
            data: 0.1,
            penalty: 0.4,
            relaxation: 1.9,
            scale: 0.5,
            nonnegative: true,
            bound: None,
            short: false,
        };
        for place in [Place::Host, Place::Tensors] {
            let mut penalty = Variation { place, ..Variation::new(&grid, 0.0, 0.0, Device::Cpu).unwrap() };
            penalty.dual(&step, &random([2, 3, 4], 1, 0.0), &random([2, 3, 4], 2, 0.0)).unwrap();
            assert!(penalty.q.iter().all(|q| q.abs().max().double_value(&[]) == 0.0));
        }
    }
}
