//! Pearson's correlation of the two volumes: 1 if they are equal up to a positive scale and an offset. Higher is
//! better. It does not detect wrong CT numbers that come from a scale or an offset.

use super::{Comparison, Metric, Score};

/// `correlation`.
pub(super) struct Correlation;

impl Metric for Correlation {
    fn key(&self) -> &'static str {
        "correlation"
    }

    fn definition(&self) -> &'static str {
        "Pearson's correlation of truth and reconstruction over all voxels of the mask; blind to scale and offset"
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        comparison.positive_range()?;
        let (a, b) = (comparison.mean(|truth, _| truth)?, comparison.mean(|_, found| found)?);
        let truth = comparison.mean(|truth, _| (truth - a).powi(2))?;
        let found = comparison.mean(|_, found| (found - b).powi(2))?;
        if found <= 0.0 {
            return Err("the reconstruction is constant: it has no correlation".to_string());
        }
        Ok(comparison.mean(|truth, found| (truth - a) * (found - b))? / (truth * found).sqrt())
    }
}
