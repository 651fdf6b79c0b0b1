//! Resampling of slices at uneven distances to even ones.

use crate::data::scale;
use crate::formats::orient::Affine;
use rayon::prelude::*;

/// Depths of the slices of an uneven stack, and the evenly spaced slices to which they are resampled.
#[derive(Debug, Clone)]
pub(super) struct Uneven {
    /// Distance of each slice from the first along the normal, mm, ascending.
    depths: Vec<f64>,
    /// Distance between the even slices, mm, and their number.
    pub(super) spacing: f64,
    pub(super) count: usize,
}

impl Uneven {
    /// Chooses the even slices for slices at these depths (mm), near their usual distance (mm).
    pub(super) fn new(depths: Vec<f64>, usual: f64) -> Self {
        let length = depths.last().copied().unwrap_or_default() - depths[0];
        let depths: Vec<f64> = depths.iter().map(|depth| depth - depths[0]).collect();
        let intervals = (length / usual).round().max(1.0);
        Self { depths, spacing: length / intervals, count: intervals as usize + 1 }
    }

    /// The grid of the even slices; the first step of `affine` must be that of 1 mm of depth.
    pub(super) fn affine(&self, affine: &Affine) -> Affine {
        let [_, rows, columns] = affine.shape;
        let steps = [scale(affine.steps[0], self.spacing), affine.steps[1], affine.steps[2]];
        Affine { shape: [self.count, rows, columns], steps, origin: affine.origin }
    }

    /// Resamples values `[slice, pixel]` to the even slices by cubic Hermite interpolation along the stack, with
    /// Catmull-Rom slopes for uneven knots: smooth, and exact at every slice. Results are clamped to the range of the
    /// values.
    pub(super) fn resampled(&self, values: &[f32], pixels: usize) -> Vec<f32> {
        let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
        let mut out = vec![0.0; self.count * pixels];
        out.par_chunks_mut(pixels).enumerate().for_each(|(n, slice)| {
            let weights = self.weights(n as f64 * self.spacing);
            for (pixel, value) in slice.iter_mut().enumerate() {
                let sum: f64 = weights.iter().map(|(k, weight)| weight * f64::from(values[k * pixels + pixel])).sum();
                *value = (sum as f32).clamp(low.min(high), high);
            }
        });
        out
    }

    /// The slices that contribute at a depth (mm), with their weights.
    fn weights(&self, depth: f64) -> Vec<(usize, f64)> {
        let d = &self.depths;
        let last = d.len() - 1;
        let i = d.partition_point(|&known| known <= depth).clamp(1, last) - 1;
        let h = d[i + 1] - d[i];
        let t = ((depth - d[i]) / h).clamp(0.0, 1.0);
        let (t2, t3) = (t * t, t * t * t);
        let (from, to) = (2.0 * t3 - 3.0 * t2 + 1.0, 3.0 * t2 - 2.0 * t3);
        let (leave, arrive) = (h * (t3 - 2.0 * t2 + t), h * (t3 - t2));
        let mut weights = vec![(i, from), (i + 1, to)];
        // The slope at a knot is that of the line between its neighbours.
        for (knot, factor) in [(i, leave), (i + 1, arrive)] {
            let (before, after) = (knot.saturating_sub(1), (knot + 1).min(last));
            let slope = factor / (d[after] - d[before]);
            weights.extend([(after, slope), (before, -slope)]);
        }
        weights.retain(|(_, weight)| weight.abs() > 1e-12);
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_a_ramp_and_slices_that_are_in_place_stay_as_they_are() {
        let depths = vec![10.0, 12.0, 14.0, 18.0, 22.0, 24.0];
        let uneven = Uneven::new(depths.clone(), 2.0);
        assert_eq!((uneven.count, uneven.spacing), (8, 2.0));
        let values: Vec<f32> = depths.iter().flat_map(|&d| [d as f32, -2.0 * d as f32]).collect();
        let found = uneven.resampled(&values, 2);
        for n in 0..8 {
            let depth = 10.0 + 2.0 * n as f32;
            assert!((found[2 * n] - depth).abs() < 1e-4 && (found[2 * n + 1] + 2.0 * depth).abs() < 1e-4, "{n}");
        }
    }
}
