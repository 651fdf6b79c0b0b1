//! Total variation on a GPU: the steps of its primal-dual iteration, its value and its gradient.

use super::VARIATION;
use crate::error::Result;
use crate::fields::regularizers::kernels::{Dual, Lattice, Primal};
use crate::tensors::cuda::{Argument, Card, Kernel};
use crate::tensors::torch_error;
use std::sync::Arc;
use tch::{Kind, Tensor};

const DUAL: Kernel = Kernel { source: &VARIATION, name: "variation_dual" };
const PRIMAL: Kernel = Kernel { source: &VARIATION, name: "variation_primal" };
const VALUE: Kernel = Kernel { source: &VARIATION, name: "variation_value" };
const GRADIENT: Kernel = Kernel { source: &VARIATION, name: "variation_gradient" };

/// Largest number of threads that share a sum over a volume.
const THREADS: usize = 1 << 18;

/// The steps of [`kernels`](crate::fields::regularizers::kernels) on a GPU, for volumes of one lattice.
pub struct OnCard {
    card: Arc<Card>,
    lattice: Lattice,
    threads: usize,
    /// `[2, threads]`: up to two partial sums of each thread.
    sums: Tensor,
}

impl OnCard {
    /// Allocates the memory for volumes of `lattice`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn new(card: Arc<Card>, lattice: Lattice) -> Result<Self> {
        let threads = lattice.shape.iter().product::<usize>().min(THREADS).next_multiple_of(256);
        let sums = Tensor::f_zeros([2, threads as i64], (Kind::Double, card.device())).map_err(torch_error)?;
        Ok(Self { card, lattice, threads, sums })
    }

    /// [`dual_step`](crate::fields::regularizers::kernels::dual_step): updates `q`.
    ///
    /// # Errors
    /// Tensors that are not f32, contiguous and on the GPU; failures of the driver.
    pub fn dual(&self, ahead: &Tensor, behind: &Tensor, q: &[Tensor; 3], step: &Dual) -> Result<()> {
        let mut arguments = vec![self.structure()];
        arguments.extend(self.memory(&[ahead, behind, &q[0], &q[1], &q[2]])?);
        arguments.extend([step.sigma, step.weight, 1.0 / step.divisor, step.relaxation].map(Argument::float));
        self.card.launch(&DUAL, self.lattice.shape.iter().product(), &arguments)
    }

    /// [`primal_step`](crate::fields::regularizers::kernels::primal_step): writes `out`. Waits for the GPU only if a
    /// bound is given and the gap is therefore returned.
    ///
    /// # Errors
    /// As [`OnCard::dual`].
    pub fn primal(&self, back: &Tensor, q: &[Tensor; 3], x: &Tensor, out: &Tensor, step: &Primal) -> Result<f64> {
        let mut arguments = vec![self.structure()];
        arguments.extend(self.memory(&[back, &q[0], &q[1], &q[2], x, out])?);
        arguments.extend([Argument::float(step.tau), Argument::float(step.scale)]);
        arguments.extend([
            Argument::whole(usize::from(step.nonnegative)),
            Argument::float(step.bound.unwrap_or(0.0)),
            Argument::memory(&self.sums, self.card.device())?,
        ]);
        self.card.launch(&PRIMAL, self.threads, &arguments)?;
        if step.bound.is_some() { self.sum(0) } else { Ok(0.0) }
    }

    /// [`value`](crate::fields::regularizers::kernels::value): the penalty and its part of the duality gap.
    ///
    /// # Errors
    /// As [`OnCard::dual`].
    pub fn value(&self, x: &Tensor, q: &[Tensor; 3], weight: f64, delta: f64) -> Result<(f64, f64)> {
        let mut arguments = vec![self.structure()];
        arguments.extend(self.memory(&[x, &q[0], &q[1], &q[2]])?);
        arguments.extend([Argument::double(weight), Argument::double(delta)]);
        arguments.push(Argument::memory(&self.sums, self.card.device())?);
        self.card.launch(&VALUE, self.threads, &arguments)?;
        Ok((self.sum(0)?, self.sum(1)?))
    }

    /// Value and gradient of Σ √(s² + `square`), s the length of the gradient of `x` `[z, y, x]`; or, if `epsilon` is
    /// above 0, of Σ ε log(1 + (√(s² + `square`) − √`square`)/ε).
    ///
    /// # Errors
    /// As [`OnCard::dual`].
    pub fn gradient(&self, x: &Tensor, square: f64, epsilon: f64) -> Result<(f64, Tensor)> {
        let gradient = x.f_empty_like().map_err(torch_error)?;
        let mut arguments = vec![self.structure()];
        arguments.extend(self.memory(&[x])?);
        arguments.extend([Argument::float(square as f32), Argument::float(epsilon as f32)]);
        arguments.extend(self.memory(&[&gradient, &self.sums])?);
        self.card.launch(&GRADIENT, self.threads, &arguments)?;
        Ok((self.sum(0)?, gradient))
    }

    fn structure(&self) -> Argument {
        let shape = self.lattice.shape.map(|n| n as u64);
        let slopes = self.lattice.slopes.map(|slope| f64::from(slope).to_bits());
        Argument::structure("Lattice", [shape, slopes].concat())
    }

    fn memory(&self, tensors: &[&Tensor]) -> Result<Vec<Argument>> {
        tensors.iter().map(|tensor| Argument::memory(tensor, self.card.device())).collect()
    }

    fn sum(&self, row: i64) -> Result<f64> {
        let sum = self.sums.f_select(0, row).and_then(|part| part.f_sum(Kind::Double));
        sum.map(|sum| sum.double_value(&[])).map_err(torch_error)
    }
}
