//! Root mean square error in HU: lower is better.

use super::{Comparison, Metric, Score};

/// `rmse_hu`.
pub(super) struct RmseHu;

impl Metric for RmseHu {
    fn key(&self) -> &'static str {
        "rmse_hu"
    }

    fn unit(&self) -> &'static str {
        "HU"
    }

    fn definition(&self) -> &'static str {
        "square root of the mean squared error over all voxels of the mask, no clipping"
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        comparison.mean(|truth, found| (found - truth).powi(2)).map(f64::sqrt)
    }
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::volume;
    use super::*;

    #[test]
    fn a_hand_computed_cube() {
        let truth = volume([2, 2, 2], |i| i as f32);
        let found = volume([2, 2, 2], |i| i as f32 + if i == 5 { -4.0 } else { 0.0 });
        let value = RmseHu.measure(&Comparison::new(&truth, &found, None).unwrap());
        assert_eq!(value, Ok(2f64.sqrt()));
    }
}
