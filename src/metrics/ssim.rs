//! Structural similarity with a 3-D Gaussian window (Wang et al., "Image quality assessment: from error visibility to
//! structural similarity", IEEE Trans. Image Process. 13(4), 2004): 1 for identical volumes. For a single slice the
//! window is 2-D.
//!
//! The value equals scikit-image's `structural_similarity(truth, found, gaussian_weights=True, sigma=1.5,
//! use_sample_covariance=False, data_range=R)` on the HU values. A "3-D SSIM" in a paper may be defined differently.

use super::windows::{Reach, mean, similarity};
use super::{Comparison, Metric, Score};

/// `ssim`.
pub(super) struct Ssim;

impl Metric for Ssim {
    fn key(&self) -> &'static str {
        "ssim"
    }

    fn definition(&self) -> &'static str {
        "mean structural similarity (Wang 2004) under a 3-D Gaussian window (2-D for a single slice), sigma 1.5 \
         voxels, \
         11 taps, K1 0.01, K2 0.03, population covariance, R = max - min of the truth over the mask; the mean is over \
         voxels of the mask at least 5 voxels from every face"
    }

    fn uses_range(&self) -> bool {
        true
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        let reach = if comparison.truth().grid.is_2d() { Reach::Slice } else { Reach::Volume };
        let slices = similarity(comparison, reach)?;
        let (sum, count) = slices.iter().fold((0.0, 0), |(sum, count), (s, n)| (sum + s, count + n));
        mean(sum, count)
    }
}
