//! Root mean square error divided by the truth's data range R, as scikit-image's `normalized_root_mse(truth, found,
//! normalization="min-max")`. Lower is better.

use super::{Comparison, Metric, Score};

/// `nrmse`.
pub(super) struct Nrmse;

impl Metric for Nrmse {
    fn key(&self) -> &'static str {
        "nrmse"
    }

    fn definition(&self) -> &'static str {
        "square root of the mean squared error over all voxels of the mask, divided by R = max - min of the truth over \
         the mask"
    }

    fn uses_range(&self) -> bool {
        true
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        let range = comparison.positive_range()?;
        Ok(comparison.mean(|truth, found| (found - truth).powi(2))?.sqrt() / range)
    }
}
