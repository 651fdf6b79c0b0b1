//! Mean absolute error in HU: lower is better. A few bad voxels change it less than the RMSE.

use super::{Comparison, Metric, Score};

/// `mae_hu`.
pub(super) struct MaeHu;

impl Metric for MaeHu {
    fn key(&self) -> &'static str {
        "mae_hu"
    }

    fn unit(&self) -> &'static str {
        "HU"
    }

    fn definition(&self) -> &'static str {
        "mean of the absolute error over all voxels of the mask, no clipping"
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        comparison.mean(|truth, found| (found - truth).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::volume;
    use super::*;

    #[test]
    fn a_hand_computed_cube() {
        let truth = volume([2, 2, 2], |i| i as f32);
        let found = volume([2, 2, 2], |i| i as f32 + [3.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0][i]);
        assert_eq!(MaeHu.measure(&Comparison::new(&truth, &found, None).unwrap()), Ok(1.0));
    }
}
