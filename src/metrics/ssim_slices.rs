//! Structural similarity slice by slice: the mean over axial slices of the 2-D SSIM with a Gaussian window, as many
//! papers report it. See [`super::ssim`] for the 3-D SSIM; both use the data range of the whole volume.

use super::windows::{Reach, mean, similarity};
use super::{Comparison, Metric, Score};

/// `ssim_slices`.
pub(super) struct SsimSlices;

impl Metric for SsimSlices {
    fn key(&self) -> &'static str {
        "ssim_slices"
    }

    fn definition(&self) -> &'static str {
        "mean over axial slices of the mean structural similarity (Wang 2004) under a 2-D Gaussian window, sigma 1.5 \
         voxels, 11 taps, K1 0.01, K2 0.03, population covariance, R = max - min of the truth over the mask in all \
         slices; in each slice the mean is over voxels of the mask at least 5 voxels from every edge, and slices \
         without \
         one are left out"
    }

    fn uses_range(&self) -> bool {
        true
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        let slices = similarity(comparison, Reach::Slice)?;
        let means: Vec<f64> =
            slices.iter().filter(|(_, count)| *count > 0).map(|(sum, count)| sum / *count as f64).collect();
        mean(means.iter().sum(), means.len())
    }
}
