//! Volumes on other grids: cropping, averaging to a coarser grid, interpolating to a finer one.
//!
//! The operations are separable along the array axes. Where the new voxels are larger, each is the exact average of the
//! old voxels it covers (weighted by the length of overlap); where they are smaller, values are interpolated linearly
//! between voxel centres. Everything outside the old box is air.

use super::{Grid, Volume, dot};
use crate::error::{Error, Result};
use ndarray::parallel::prelude::*;
use ndarray::{Array3, ArrayView3, Axis, s};
use std::ops::Range;

/// Weights of the old voxels in one new voxel along an axis: `weights[i]` belongs to voxel `first + i`; what is missing
/// to a sum of 1 is air.
struct Share {
    first: usize,
    weights: Vec<f32>,
}

impl Volume {
    /// Crops the volume to the voxels with array indices inside `ranges` (`[z, y, x]`); they keep their world
    /// positions.
    ///
    /// # Errors
    /// An empty range or one that exceeds the volume.
    pub fn cropped(&self, ranges: [Range<usize>; 3]) -> Result<Self> {
        for (k, range) in ranges.iter().enumerate() {
            if range.is_empty() || range.end > self.grid.shape[k] {
                let axis = ["z", "y", "x"][k];
                let problem = format!(
                    "expected start < end <= {} along {axis}, got {} to {}",
                    self.grid.shape[k], range.start, range.end
                );
                return Err(Error::config("crop", problem));
            }
        }
        let origin = self.grid.point(std::array::from_fn(|k| ranges[k].start as f64));
        let grid = Grid::new(std::array::from_fn(|k| ranges[k].len()), self.grid.spacing, origin, self.grid.axes)?;
        let [z, y, x] = ranges;
        Self::new(grid, self.quantity, self.voxels().slice(s![z, y, x]).to_owned())
    }

    /// Resamples the volume onto another grid with the same axes.
    ///
    /// # Errors
    /// A grid whose axes are rotated against those of this volume.
    pub fn resampled(&self, grid: &Grid) -> Result<Self> {
        if (0..3).any(|k| dot(self.grid.axes[k], grid.axes[k]) < 1.0 - 1e-6) {
            let problem = format!("expected a grid along {:?}, got one along {:?}", self.grid.axes, grid.axes);
            return Err(Error::config("grid", problem)
                .hint("rotated grids are not supported: resample the input onto these axes first"));
        }
        let air = self.quantity.air();
        let mut voxels = self.voxels().to_owned();
        for k in 0..3 {
            voxels = along(voxels.view(), k, &shares(&self.grid, grid, k), air);
        }
        Self::new(grid.clone(), self.quantity, voxels)
    }
}

/// The weights of every new voxel along axis `k`.
fn shares(from: &Grid, to: &Grid, k: usize) -> Vec<Share> {
    // The thickness of a 2-D slice is nominal, so it has no neighbours along z.
    if k == 0 && from.is_2d() && to.is_2d() {
        return vec![Share { first: 0, weights: vec![1.0] }];
    }
    let ratio = to.spacing[k] / from.spacing[k];
    let center = |j: usize| {
        let mut index = [0.0; 3];
        index[k] = j as f64;
        from.index(to.point(index))[k]
    };
    (0..to.shape[k])
        .map(|j| if ratio > 1.0 { covered(center(j), ratio, from.shape[k]) } else { between(center(j), from.shape[k]) })
        .collect()
}

/// Overlap of the interval [c − w/2, c + w/2] with the unit cells centred at 0, 1, …, n − 1, divided by w.
fn covered(center: f64, width: f64, n: usize) -> Share {
    let (low, high) = (center - width / 2.0 + 0.5, center + width / 2.0 + 0.5);
    let first = low.floor().clamp(0.0, n as f64) as usize;
    let last = high.ceil().clamp(0.0, n as f64) as usize;
    let overlap = |i: usize| ((high.min(i as f64 + 1.0) - low.max(i as f64)).max(0.0) / width) as f32;
    Share { first, weights: (first..last).map(overlap).collect() }
}

/// Linear interpolation at c between the centres 0, 1, …, n − 1, constant over the outer halves of the border voxels.
fn between(center: f64, n: usize) -> Share {
    if !(-0.5 - 1e-9..=n as f64 - 0.5 + 1e-9).contains(&center) {
        return Share { first: 0, weights: Vec::new() };
    }
    let at = center.clamp(0.0, n as f64 - 1.0);
    let first = at.floor();
    let part = (at - first) as f32;
    let weights = if part > 0.0 { vec![1.0 - part, part] } else { vec![1.0] };
    Share { first: first as usize, weights }
}

fn along(voxels: ArrayView3<f32>, k: usize, shares: &[Share], air: f32) -> Array3<f32> {
    let mut shape: [usize; 3] = voxels.dim().into();
    shape[k] = shares.len();
    let mut result = Array3::zeros(shape);
    result.axis_iter_mut(Axis(k)).into_par_iter().zip(shares).for_each(|(mut plane, share)| {
        let missing = 1.0 - share.weights.iter().sum::<f32>();
        // Rounding errors of the weights must not add a fraction of air's -1000 HU inside the box.
        plane.fill(if missing > 1e-5 { air * missing } else { 0.0 });
        for (i, &weight) in share.weights.iter().enumerate() {
            plane.scaled_add(weight, &voxels.index_axis(Axis(k), share.first + i));
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Quantity;

    fn ramp(shape: [usize; 3]) -> Volume {
        let grid = Grid::centered(shape, [2.0, 1.0, 0.5], [3.0, -1.0, 4.0]).unwrap();
        let values = (0..grid.voxels()).map(|i| (i % 97) as f32).collect();
        Volume::from_vec(grid, Quantity::Attenuation, values).unwrap()
    }

    fn mass(volume: &Volume) -> f64 {
        volume.as_slice().iter().map(|&v| f64::from(v)).sum::<f64>() * volume.grid.voxel_mm3()
    }

    #[test]
    fn averaging_down_keeps_the_mass_for_any_ratio() {
        let fine = ramp([6, 15, 20]);
        for shape in [[3, 5, 10], [4, 7, 9], [1, 1, 1], [6, 15, 20]] {
            let coarse = fine.resampled(&fine.grid.with_shape(shape).unwrap()).unwrap();
            assert!((mass(&coarse) / mass(&fine) - 1.0).abs() < 1e-5, "{shape:?}");
        }
    }

    #[test]
    fn the_same_lattice_gives_the_same_voxels_and_pairs_average() {
        let fine = ramp([2, 4, 6]);
        assert_eq!(fine.resampled(&fine.grid).unwrap(), fine);
        let coarse = fine.resampled(&fine.grid.with_shape([1, 2, 3]).unwrap()).unwrap();
        let by_hand = fine.voxels().slice(s![0..2, 2..4, 4..6]).mean().unwrap();
        assert!((coarse.voxels()[[0, 1, 2]] - by_hand).abs() < 1e-4);
    }

    #[test]
    fn interpolating_up_is_exact_on_a_linear_ramp_inside() {
        let grid = Grid::centered([1, 1, 8], [1.0; 3], [0.0; 3]).unwrap();
        let line = Volume::from_vec(grid, Quantity::Relative, (0..8u8).map(f32::from).collect()).unwrap();
        let fine = line.resampled(&Grid::centered([1, 1, 16], [1.0, 1.0, 0.5], [0.0; 3]).unwrap()).unwrap();
        for j in 1..15 {
            let expected = 0.5 * f64::from(j) - 0.25;
            assert!((f64::from(fine.voxels()[[0, 0, j as usize]]) - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn outside_the_box_is_air() {
        let grid = Grid::centered([1, 1, 4], [1.0; 3], [0.0; 3]).unwrap();
        let water = Volume::filled(grid, Quantity::Hounsfield, 0.0);
        let wide = Grid::centered([1, 1, 4], [1.0, 1.0, 3.0], [0.0; 3]).unwrap();
        let found = water.resampled(&wide).unwrap();
        let expected = [-1000.0, -1000.0 / 3.0, -1000.0 / 3.0, -1000.0];
        assert!(found.as_slice().iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-2), "{found:?}");
    }

    #[test]
    fn a_crop_stays_where_it_was_and_impossible_ones_are_refused() {
        let volume = ramp([4, 5, 6]);
        let part = volume.cropped([1..3, 0..5, 2..6]).unwrap();
        assert_eq!(part.grid.point([0.0, 0.0, 0.0]), volume.grid.point([1.0, 0.0, 2.0]));
        assert_eq!(part.voxels()[[1, 4, 3]], volume.voxels()[[2, 4, 5]]);
        #[allow(clippy::reversed_empty_ranges)]
        for bad in [[0..5, 0..5, 0..6], [2..2, 0..5, 0..6], [3..1, 0..5, 0..6]] {
            assert_eq!(volume.cropped(bad).unwrap_err().exit_code(), 2);
        }
    }
}
