//! One sweep of SIRT-like updates over subsets of the views: x ← P(x + λ Cₛ Aₛᵀ Rₛ (yₛ − Aₛ x)) for each subset s.
//!
//! R holds the inverse row sums of A, Cₛ the inverse column sums of the subset, P the projection onto the constraints.
//! With all views at once this is SIRT (A. van der Sluis, H. A. van der Vorst, Linear Algebra Appl. 130, 1990; J.
//! Gregor, T. Benson, IEEE Trans. Med. Imaging 27, 2008); with one view at a time it is SART (A. H. Andersen, A. C.
//! Kak, Ultrasonic Imaging 6, 1984).

use super::subsets::{Columns, Subset, Subsets};
use super::{ConvergenceRecord, LinearSystem, Order, vectors};
use crate::error::Result;
use crate::tensors::torch_error;
use tch::{TchError, Tensor};

/// Subsets and weights that all sweeps of a reconstruction reuse.
pub(in crate::algorithms) struct SubsetSweep {
    subsets: Subsets,
    /// For each subset: R, and a buffer for R (A x − y).
    rows: Vec<(Tensor, Tensor)>,
    /// For each subset: −C, 0 outside the support.
    columns: Columns,
}

impl SubsetSweep {
    pub(in crate::algorithms) fn new(system: &LinearSystem<'_>, subset_views: usize, order: Order) -> Result<Self> {
        let subsets = Subsets::new(system, subset_views, order)?;
        let support = system.support()?;
        let row = |part: &Subset| -> Result<(Tensor, Tensor)> {
            let sums = part.operator.forward(&support)?;
            let room = sums.f_empty_like().map_err(torch_error)?;
            Ok((vectors::inverted(sums).map_err(torch_error)?, room))
        };
        let rows = subsets.subsets.iter().map(row).collect::<Result<_>>()?;
        Ok(Self { columns: Columns::new(&subsets), subsets, rows })
    }

    /// Sweeps from the system's initial volume until the record ends the iteration; λ begins at `relaxation` and is
    /// multiplied by `reduction` after each sweep.
    pub(in crate::algorithms) fn iterate(
        mut self,
        system: &LinearSystem<'_>,
        record: &mut ConvergenceRecord<'_>,
        relaxation: f64,
        reduction: f64,
    ) -> Result<Tensor> {
        let (mut x, mut relaxation) = (system.start_or(0.0)?, relaxation);
        for sweep in 1.. {
            let (loss, residual) = self.run(system, &mut x, sweep, relaxation)?;
            relaxation *= reduction;
            if record.step(sweep, loss, residual)? {
                break;
            }
        }
        Ok(x)
    }

    /// Updates x in place by one sweep. Returns ½ Σ rᵀR r and ‖r‖, where the residual r of each subset is taken just
    /// before its update.
    pub(in crate::algorithms) fn run(
        &mut self,
        system: &LinearSystem<'_>,
        x: &mut Tensor,
        sweep: u64,
        relaxation: f64,
    ) -> Result<(f64, f64)> {
        let (mut loss, mut squares) = (0.0, 0.0);
        for number in self.subsets.order(sweep) {
            let part = &self.subsets.subsets[number];
            let columns = self.columns.of(number, || column_weights(system, part))?;
            let (rows, weighted) = &self.rows[number];
            let mut residual = part.operator.forward(x)?;
            let (own_loss, own_squares) = weigh(&mut residual, &part.data, rows, weighted).map_err(torch_error)?;
            (loss, squares) = (loss + own_loss, squares + own_squares);
            let back = part.operator.adjoint(weighted)?;
            step(system, x, back, &columns, relaxation).map_err(torch_error)?;
        }
        Ok((loss, squares.sqrt()))
    }
}

/// −C, 0 outside the support.
fn column_weights(system: &LinearSystem<'_>, part: &Subset) -> Result<Tensor> {
    let ones = part.data.f_ones_like().map_err(torch_error)?;
    let mut weights = vectors::inverted(part.operator.adjoint(&ones)?).map_err(torch_error)?;
    system.masked(&mut weights).and_then(|()| weights.f_neg_()).map_err(torch_error)
}

/// Turns `projected` (A x) into the residual r = A x − y and writes R r to `weighted`; returns ½ rᵀR r and ‖r‖².
fn weigh(
    projected: &mut Tensor,
    data: &Tensor,
    rows: &Tensor,
    weighted: &Tensor,
) -> std::result::Result<(f64, f64), TchError> {
    let residual = projected.f_sub_(data)?;
    let _ = residual.f_mul_out(weighted, rows)?;
    Ok((0.5 * vectors::dot(&residual, weighted)?, vectors::dot(&residual, &residual)?))
}

/// x ← P(x + λ `columns` · `back`), where `columns` is −C and `back` is Aᵀ R r.
fn step(
    system: &LinearSystem<'_>,
    x: &mut Tensor,
    back: Tensor,
    columns: &Tensor,
    relaxation: f64,
) -> std::result::Result<(), TchError> {
    let mut back = back;
    if relaxation != 1.0 {
        let _ = back.f_mul_scalar_(relaxation)?;
    }
    let _ = x.f_addcmul_(&back, columns)?;
    if system.common.nonnegative {
        let _ = x.f_clamp_min_(0.0)?;
    }
    Ok(())
}
