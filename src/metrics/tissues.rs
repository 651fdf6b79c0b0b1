//! Bias and spread of the CT numbers in one tissue class of the truth ([`Tissue`]), which matter for densitometry, dose
//! calculation and segmentation by thresholds.

use super::{Comparison, Metric, Score};
use crate::data::Tissue;

/// `hu_bias_…`: mean of the error (reconstruction − truth) in a tissue class, HU.
pub(super) struct Bias(pub(super) Tissue);

/// `hu_spread_…`: standard deviation of the error in a tissue class, HU.
pub(super) struct Spread(pub(super) Tissue);

impl Metric for Bias {
    fn key(&self) -> &'static str {
        match self.0 {
            Tissue::Air => "hu_bias_air",
            Tissue::Lung => "hu_bias_lung",
            Tissue::Fat => "hu_bias_fat",
            Tissue::Soft => "hu_bias_soft",
            Tissue::Bone => "hu_bias_bone",
        }
    }

    fn unit(&self) -> &'static str {
        "HU"
    }

    fn definition(&self) -> &'static str {
        match self.0 {
            Tissue::Air => "mean error where the truth is air (below -950 HU)",
            Tissue::Lung => "mean error where the truth is lung (-950 to -500 HU)",
            Tissue::Fat => "mean error where the truth is fat (-190 to -30 HU)",
            Tissue::Soft => "mean error where the truth is soft tissue (-30 to 200 HU)",
            Tissue::Bone => "mean error where the truth is bone (from 200 HU)",
        }
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        moments(comparison, self.0).map(|[bias, _]| bias)
    }
}

impl Metric for Spread {
    fn key(&self) -> &'static str {
        match self.0 {
            Tissue::Air => "hu_spread_air",
            Tissue::Lung => "hu_spread_lung",
            Tissue::Fat => "hu_spread_fat",
            Tissue::Soft => "hu_spread_soft",
            Tissue::Bone => "hu_spread_bone",
        }
    }

    fn unit(&self) -> &'static str {
        "HU"
    }

    fn definition(&self) -> &'static str {
        match self.0 {
            Tissue::Air => "standard deviation of the error where the truth is air (below -950 HU)",
            Tissue::Lung => "standard deviation of the error where the truth is lung (-950 to -500 HU)",
            Tissue::Fat => "standard deviation of the error where the truth is fat (-190 to -30 HU)",
            Tissue::Soft => "standard deviation of the error where the truth is soft tissue (-30 to 200 HU)",
            Tissue::Bone => "standard deviation of the error where the truth is bone (from 200 HU)",
        }
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        moments(comparison, self.0).map(|[_, spread]| spread)
    }
}

/// Mean and standard deviation (HU) of the error in the voxels whose truth is in a tissue class.
fn moments(comparison: &Comparison, tissue: Tissue) -> std::result::Result<[f64; 2], String> {
    let part = comparison.mean(|truth, _| f64::from(u8::from(tissue.holds(truth))))?;
    if part <= 0.0 {
        return Err(format!("the truth has no {} in the mask", tissue.name()));
    }
    let over = |f: &(dyn Fn(f64) -> f64 + Sync)| {
        let inside = |truth, found| if tissue.holds(truth) { f(found - truth) } else { 0.0 };
        comparison.mean(inside).map(|mean| mean / part)
    };
    let bias = over(&|error| error)?;
    Ok([bias, over(&|error| (error - bias).powi(2))?.sqrt()])
}
