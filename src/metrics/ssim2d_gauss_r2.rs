//! The structural similarity that R²-Gaussian (Zha et al., NeurIPS 2024) and papers that compare with it report: the
//! mean of the 2-D SSIM over slices along all three axes, of volumes scaled to 0 … 1, with zeros beyond the edges.

use super::planes::{Edge, Plane, mean, terms};
use super::{Comparison, Metric, Score};
use rayon::prelude::*;

/// `ssim2d_gauss_r2`.
pub(super) struct Ssim2dGaussR2;

impl Metric for Ssim2dGaussR2 {
    fn key(&self) -> &'static str {
        "ssim2d_gauss_r2"
    }

    fn definition(&self) -> &'static str {
        "as R2-Gaussian reports SSIM: both volumes as (value - min) / R of the truth, 2-D Gaussian window sigma 1.5, \
         11 taps, zeros beyond the edges, K1 0.01, K2 0.03, range 1; mean over the slices across each axis but those \
         where the truth is 0 all over, then over the three axes; all voxels, no clipping"
    }

    fn uses_range(&self) -> bool {
        true
    }

    fn takes_mask(&self) -> bool {
        false
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        let range = comparison.positive_range()?;
        let low = f64::from(comparison.truth().range().0);
        let shape = comparison.truth().grid.shape;
        let axes = if comparison.truth().grid.is_2d() { 0..1 } else { 0..3 };
        let slice = |axis: usize, index: usize| {
            let pair = Plane::pair(comparison, axis, index, [low, range]);
            let empty = pair[0].values.iter().all(|&value| value <= 0.0);
            let [luminance, structure] = terms(&pair, Edge::Zero, 1.0);
            (!empty).then(|| mean(&luminance.with(&structure, |l, s| l * s).values))
        };
        let across = |axis: usize| {
            let all: Vec<Option<f64>> = (0..shape[axis]).into_par_iter().map(|index| slice(axis, index)).collect();
            mean(&all.into_iter().flatten().collect::<Vec<_>>())
        };
        Ok(mean(&axes.map(across).collect::<Vec<_>>()))
    }
}
