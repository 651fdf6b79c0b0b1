//! Subsets of the views with their operators, which ordered-subset methods visit one after the other.

use super::{LinearSystem, Order};
use crate::algorithms::Setup;
use crate::error::Result;
use crate::operators::LinearOperator;
use crate::tensors::{indices, torch_error};
use tch::Tensor;

/// Memory that [`Columns`] may use, bytes.
const ROOM: usize = 1 << 30;

/// A subset of the views.
pub(in crate::algorithms) struct Subset {
    /// Indices of the views (int64); `None` for all views in order.
    views: Option<Tensor>,
    /// The rows of A that belong to these views.
    pub(in crate::algorithms) operator: Box<dyn LinearOperator>,
    /// The data ŷ of these views, `[view, row, column]`.
    pub(in crate::algorithms) data: Tensor,
    /// Number of these views divided by the number of all views.
    pub(in crate::algorithms) share: f64,
}

/// A partition of all views into subsets.
pub(in crate::algorithms) struct Subsets {
    pub(in crate::algorithms) subsets: Vec<Subset>,
    order: Order,
    seed: u64,
}

impl Subsets {
    /// Builds subsets of about `subset_views` views (all views if that is 0 or more than there are), each spread over
    /// the whole scan: subset s of S has the views s, s + S, … (H. M. Hudson, R. S. Larkin, IEEE Trans. Med. Imaging
    /// 13, 1994).
    pub(in crate::algorithms) fn new(system: &LinearSystem<'_>, subset_views: usize, order: Order) -> Result<Self> {
        let all = system.operator.range()[0];
        let count = if subset_views == 0 { 1 } else { all.div_ceil(subset_views) };
        let part = |s: usize| -> Result<Subset> {
            let numbers: Vec<usize> = (s..all).step_by(count).collect();
            let operator = system.operator.subset(&numbers)?;
            let share = numbers.len() as f64 / all as f64;
            let views = if count == 1 { None } else { Some(indices(&numbers, system.run.device)?) };
            let data = pick(views.as_ref(), &system.data)?;
            Ok(Subset { views, operator, data, share })
        };
        Ok(Self { subsets: (0..count).map(part).collect::<Result<_>>()?, order, seed: system.run.seed })
    }

    /// Number of volumes that [`Columns`] will store.
    pub(in crate::algorithms) fn kept(subset_views: usize, setup: &Setup<'_>) -> u64 {
        let subsets = if subset_views == 0 { 1 } else { setup.views().div_ceil(subset_views) };
        subsets.min(ROOM / (4 * setup.grid.voxels())) as u64
    }

    /// The indices of the subsets in the order in which iteration `iteration` visits them.
    pub(in crate::algorithms) fn order(&self, iteration: u64) -> Vec<usize> {
        self.order.permutation(self.subsets.len(), self.seed, iteration)
    }
}

impl Subset {
    /// The views of this subset out of a stack of all views.
    pub(in crate::algorithms) fn pick(&self, stack: &Tensor) -> Result<Tensor> {
        pick(self.views.as_ref(), stack)
    }
}

fn pick(views: Option<&Tensor>, stack: &Tensor) -> Result<Tensor> {
    views.map_or_else(|| Ok(stack.shallow_clone()), |views| stack.f_index_select(0, views).map_err(torch_error))
}

/// One volume per subset, such as its column sums: stored while there is memory for it, otherwise recomputed at each
/// visit.
pub(in crate::algorithms) struct Columns {
    kept: Vec<Option<Tensor>>,
    room: usize,
}

impl Columns {
    pub(in crate::algorithms) fn new(subsets: &Subsets) -> Self {
        Self { kept: subsets.subsets.iter().map(|_| None).collect(), room: ROOM }
    }

    /// The volume of subset `part`, computed by `make` if it is not stored.
    pub(in crate::algorithms) fn of(&mut self, part: usize, make: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
        if let Some(kept) = &self.kept[part] {
            return Ok(kept.shallow_clone());
        }
        let made = make()?;
        let bytes = 4 * made.numel();
        if bytes <= self.room {
            self.room -= bytes;
            self.kept[part] = Some(made.shallow_clone());
        }
        Ok(made)
    }
}
