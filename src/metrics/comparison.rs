//! [`Comparison`]: the two volumes and the mask that a metric is computed from.

use crate::data::{Grid, Quantity, Volume};
use crate::error::{Error, Result};
use rayon::prelude::*;

/// Voxels per block: each block is summed by one thread and the sums of the blocks are added in order, so that results
/// do not depend on the number of threads.
const BLOCK: usize = 1 << 15;

/// A ground truth, a reconstruction on the same grid, and an optional mask of the voxels to compare.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    truth: &'a Volume,
    found: &'a Volume,
    mask: Option<&'a [bool]>,
    range: Option<f64>,
    voxels: usize,
}

/// Shape, spacing and origin of a grid, for error messages.
fn in_words(grid: &Grid) -> String {
    let list = |values: [f64; 3]| {
        values.map(|value| format!("{value:.6}").trim_end_matches('0').trim_end_matches('.').to_string()).join(" x ")
    };
    let [z, y, x] = grid.shape;
    format!("{z} x {y} x {x} voxels of {} mm at ({}) mm", list(grid.spacing), list(grid.origin).replace(" x ", ", "))
}

impl<'a> Comparison<'a> {
    /// Compares two volumes in HU on the same grid; with a mask (C order `[z, y, x]`) only in the voxels that are
    /// `true`.
    ///
    /// # Errors
    /// A volume that is not in HU, grids that differ by more than a hundredth of a voxel, a mask of the wrong length.
    pub fn new(truth: &'a Volume, found: &'a Volume, mask: Option<&'a [bool]>) -> Result<Self> {
        for volume in [truth, found] {
            if volume.quantity != Quantity::Hounsfield {
                return Err(Error::input(
                    "volume",
                    format!("expected Hounsfield units to compare, got {}", volume.quantity.unit()),
                ));
            }
        }
        if !truth.grid.matches(&found.grid, 0.01) {
            let problem = format!(
                "expected two volumes on the same grid, got {} and {}",
                in_words(&truth.grid),
                in_words(&found.grid)
            );
            return Err(Error::input("volume", problem).hint("resample one onto the grid of the other"));
        }
        if let Some(mask) = mask.filter(|mask| mask.len() != truth.grid.voxels()) {
            let problem = format!("expected a mask of {} voxels, got {}", truth.grid.voxels(), mask.len());
            return Err(Error::input("mask", problem));
        }
        let mut comparison = Self { truth, found, mask, range: None, voxels: 0 };
        comparison.measure_range();
        Ok(comparison)
    }

    /// The truth, HU.
    #[must_use]
    pub fn truth(&self) -> &'a Volume {
        self.truth
    }

    /// The reconstruction, HU.
    #[must_use]
    pub fn found(&self) -> &'a Volume {
        self.found
    }

    /// The mask (C order `[z, y, x]`); `None` if all voxels are compared.
    #[must_use]
    pub fn mask(&self) -> Option<&'a [bool]> {
        self.mask
    }

    /// Data range R = max − min of the truth over the mask, HU; `None` for an empty mask.
    #[must_use]
    pub fn range(&self) -> Option<f64> {
        self.range
    }

    /// The data range R in HU, if it is positive.
    ///
    /// # Errors
    /// The reason why it is not: an empty mask or a constant truth.
    pub(super) fn positive_range(&self) -> std::result::Result<f64, String> {
        match self.range {
            None => Err("the mask holds no voxel".to_string()),
            Some(range) if range <= 0.0 => Err("the truth is constant: its data range is 0".to_string()),
            Some(range) => Ok(range),
        }
    }

    /// Mean of `f(truth, found)` over the mask; both arguments are in HU.
    ///
    /// # Errors
    /// The reason why there is no mean: an empty mask.
    pub(super) fn mean(&self, f: impl Fn(f64, f64) -> f64 + Sync) -> std::result::Result<f64, String> {
        if self.voxels == 0 {
            return Err("the mask holds no voxel".to_string());
        }
        let sum: f64 = self.blocks(|pairs| pairs.map(|(a, b)| f(f64::from(a), f64::from(b))).sum::<f64>()).iter().sum();
        Ok(sum / self.voxels as f64)
    }

    fn measure_range(&mut self) {
        let extremes = self.blocks(|pairs| {
            pairs.fold((f32::INFINITY, f32::NEG_INFINITY, 0), |(low, high, count), (truth, _)| {
                (low.min(truth), high.max(truth), count + 1)
            })
        });
        let (low, high, count) =
            extremes.into_iter().fold((f32::INFINITY, f32::NEG_INFINITY, 0), |(low, high, count), (a, b, n)| {
                (low.min(a), high.max(b), count + n)
            });
        self.voxels = count;
        self.range = (count > 0).then(|| f64::from(high) - f64::from(low));
    }

    /// Applies `f` to the (truth, found) pairs inside the mask, block by block.
    fn blocks<T: Send>(&self, f: impl Fn(&mut dyn Iterator<Item = (f32, f32)>) -> T + Sync) -> Vec<T> {
        let (truth, found) = (self.truth.as_slice(), self.found.as_slice());
        let block = |(i, (a, b)): (usize, (&[f32], &[f32]))| {
            let mut pairs = a.iter().copied().zip(b.iter().copied());
            match self.mask {
                None => f(&mut pairs),
                Some(mask) => f(&mut pairs.zip(&mask[i * BLOCK..]).filter_map(|(pair, &held)| held.then_some(pair))),
            }
        };
        truth.par_chunks(BLOCK).zip(found.par_chunks(BLOCK)).enumerate().map(block).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::Grid;

    /// A volume in HU whose voxel i (C order) is `f(i)`.
    pub(in crate::metrics) fn volume(shape: [usize; 3], f: impl Fn(usize) -> f32) -> Volume {
        let grid = Grid::centered(shape, [1.0; 3], [0.0; 3]).unwrap();
        let values = (0..grid.voxels()).map(f).collect();
        Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap()
    }

    #[test]
    fn volumes_that_cannot_be_compared_are_refused() {
        let a = volume([2, 3, 4], |i| i as f32);
        assert!(Comparison::new(&a, &volume([2, 3, 5], |_| 0.0), None).is_err());
        assert!(Comparison::new(&a, &a.to_attenuation(0.02), None).is_err());
        assert!(Comparison::new(&a, &a, Some(&[true; 23])).is_err());
        let mut moved = a.clone();
        moved.grid.origin[0] += 0.5;
        assert!(Comparison::new(&a, &moved, None).is_err());
    }

    #[test]
    fn range_and_mean_are_over_the_mask() {
        let a = volume([50, 50, 50], |i| i as f32);
        let zero = volume([50, 50, 50], |_| 0.0);
        let mask: Vec<bool> = (0..125_000).map(|i| i % 1000 == 0).collect();
        let comparison = Comparison::new(&a, &zero, Some(&mask)).unwrap();
        assert_eq!(comparison.range(), Some(124_000.0));
        assert_eq!(comparison.mean(|truth, _| truth), Ok(62_000.0));
    }
}
