//! Metrics: the difference of two volumes as one number. Every metric is one file and one line in [`METRICS`]; its
//! definition is part of the report, because published metrics of the same name differ in window, data range and mask.

mod comparison;
mod correlation;
pub mod fourier_shell;
mod gmsd;
#[cfg(test)]
mod golden;
mod mae_hu;
mod ms_ssim;
mod nrmse;
pub mod pictures;
mod planes;
mod psnr_db;
pub mod radiographs;
mod rmse_hu;
mod ssim;
mod ssim2d_gauss_r2;
mod ssim3d_naf;
mod ssim_slices;
mod tissues;
mod windows;

pub use comparison::Comparison;

use crate::data::{MetricDefinition, Tissue};

/// The value of a metric, or the reason why it does not exist.
pub type Score = std::result::Result<f64, String>;

/// A metric (figure of merit) of a reconstruction against a ground truth.
pub trait Metric: Sync {
    /// Key of the metric in YAML and in the report.
    fn key(&self) -> &'static str;
    /// Unit of the value, such as `HU` or `dB`; `1` for a dimensionless number.
    fn unit(&self) -> &'static str {
        "1"
    }
    /// Formula, window and data range in words.
    fn definition(&self) -> &'static str;
    /// Whether the value depends on the data range R = max − min of the truth.
    fn uses_range(&self) -> bool {
        false
    }
    /// Whether the metric can be restricted to the voxels of a mask; metrics that follow the protocol of a paper are
    /// defined for whole volumes only.
    fn takes_mask(&self) -> bool {
        true
    }
    /// Computes the value, which is finite.
    ///
    /// # Errors
    /// The reason why the value does not exist: an empty mask, a constant truth, identical volumes, a volume smaller
    /// than the window.
    fn measure(&self, comparison: &Comparison) -> Score;

    /// The metric's definition for the report: formula, data range, unit and mask of this comparison.
    fn describe(&self, comparison: &Comparison) -> MetricDefinition {
        MetricDefinition {
            definition: self.definition().to_string(),
            data_range: comparison.range().filter(|_| self.uses_range()),
            unit: self.unit().to_string(),
            mask: if comparison.mask().is_some() { "fov" } else { "all" }.to_string(),
        }
    }
}

/// Every metric, in the order of reports.
pub static METRICS: &[&dyn Metric] = &[
    &psnr_db::PsnrDb,
    &ssim::Ssim,
    &ssim_slices::SsimSlices,
    &rmse_hu::RmseHu,
    &mae_hu::MaeHu,
    &nrmse::Nrmse,
    &correlation::Correlation,
    &ms_ssim::MsSsim,
    &gmsd::Gmsd,
    &ssim2d_gauss_r2::Ssim2dGaussR2,
    &ssim3d_naf::Ssim3dNaf,
    &tissues::Bias(Tissue::Air),
    &tissues::Bias(Tissue::Lung),
    &tissues::Bias(Tissue::Fat),
    &tissues::Bias(Tissue::Soft),
    &tissues::Bias(Tissue::Bone),
    &tissues::Spread(Tissue::Air),
    &tissues::Spread(Tissue::Lung),
    &tissues::Spread(Tissue::Fat),
    &tissues::Spread(Tissue::Soft),
    &tissues::Spread(Tissue::Bone),
];

/// Keys of the metrics that are computed by default.
pub const DEFAULT: [&str; 5] = ["psnr_db", "ssim", "ssim_slices", "rmse_hu", "mae_hu"];

/// Returns the metric with this key.
#[must_use]
pub fn by_name(key: &str) -> Option<&'static dyn Metric> {
    METRICS.iter().copied().find(|metric| metric.key() == key)
}

/// Keys of all metrics, in the order of reports.
#[must_use]
pub fn names() -> Vec<&'static str> {
    METRICS.iter().map(|metric| metric.key()).collect()
}

#[cfg(test)]
mod tests {
    use super::comparison::tests::volume;
    use super::*;
    use crate::data::Volume;

    fn measured(truth: &Volume, found: &Volume, mask: Option<&[bool]>) -> Vec<(&'static str, Score)> {
        let comparison = Comparison::new(truth, found, mask).unwrap();
        METRICS.iter().map(|metric| (metric.key(), metric.measure(&comparison))).collect()
    }

    fn wavy(shape: [usize; 3]) -> Volume {
        volume(shape, |i| (i * 37 % 101) as f32 - 30.0)
    }

    #[test]
    fn keys_are_unique_and_found_by_name() {
        assert_eq!(names()[..5], DEFAULT);
        assert!(names().iter().all(|key| by_name(key).unwrap().key() == *key));
        assert!(by_name("psnr").is_none());
    }

    #[test]
    fn a_perfect_reconstruction_scores_perfectly_and_psnr_says_that_it_is_infinite() {
        let truth = wavy([12, 13, 14]);
        for (key, value) in measured(&truth, &truth, None) {
            match key {
                "psnr_db" => assert!(value.unwrap_err().contains("infinite")),
                "ssim" | "ssim_slices" => assert!((value.unwrap() - 1.0).abs() < 1e-12),
                "correlation" | "ssim2d_gauss_r2" | "ssim3d_naf" => {
                    assert!((value.unwrap() - 1.0).abs() < 1e-9, "{key}");
                }
                "ms_ssim" => assert!(value.unwrap_err().contains("five scales")),
                "hu_bias_air" | "hu_spread_air" | "hu_bias_lung" | "hu_spread_lung" | "hu_bias_fat"
                | "hu_spread_fat" | "hu_bias_bone" | "hu_spread_bone" => {
                    assert!(value.unwrap_err().contains("the truth has no"));
                }
                _ => assert_eq!(value.unwrap(), 0.0, "{key}"),
            }
        }
    }

    #[test]
    fn what_does_not_exist_has_a_reason_and_nothing_is_ever_nan() {
        let nothing = [false; 2184];
        let (flat, wave) = (volume([12, 13, 14], |_| 5.0), wavy([12, 13, 14]));
        let small = wavy([3, 3, 3]);
        let cases: [(&Volume, &Volume, Option<&[bool]>); 5] = [
            (&flat, &wave, None),
            (&flat, &flat, None),
            (&wave, &flat, None),
            (&wave, &flat, Some(&nothing)),
            (&small, &small, None),
        ];
        for (i, (truth, found, mask)) in cases.into_iter().enumerate() {
            for (key, value) in measured(truth, found, mask) {
                match value {
                    Ok(number) => assert!(number.is_finite(), "case {i} {key}"),
                    Err(reason) => assert!(reason.len() > 10, "case {i} {key}"),
                }
            }
        }
        assert!(measured(&flat, &wave, None)[0].1.as_ref().unwrap_err().contains("constant"));
        assert!(measured(&small, &small, None)[1].1.as_ref().unwrap_err().contains("window"));
        assert!(
            measured(&wave, &flat, Some(&nothing))
                .iter()
                .filter(|(key, _)| by_name(key).unwrap().takes_mask())
                .all(|(_, value)| value.as_ref().unwrap_err().contains("mask"))
        );
    }

    #[test]
    fn errors_are_the_same_both_ways() {
        let (a, b) = (wavy([2, 3, 4]), volume([2, 3, 4], |i| i as f32));
        for key in ["rmse_hu", "mae_hu"] {
            let one_way = by_name(key).unwrap().measure(&Comparison::new(&a, &b, None).unwrap()).unwrap();
            let other_way = by_name(key).unwrap().measure(&Comparison::new(&b, &a, None).unwrap()).unwrap();
            assert_eq!(one_way, other_way);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let (truth, found) = (wavy([20, 41, 43]), volume([20, 41, 43], |i| (i * 31 % 89) as f32));
        let with = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| measured(&truth, &found, None))
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn the_report_learns_range_unit_and_mask() {
        let truth = volume([1, 1, 2], |i| i as f32 * 10.0);
        let comparison = Comparison::new(&truth, &truth, Some(&[true, true])).unwrap();
        let definition = by_name("psnr_db").unwrap().describe(&comparison);
        assert_eq!(
            (definition.data_range, definition.unit.as_str(), definition.mask.as_str()),
            (Some(10.0), "dB", "fov")
        );
        assert_eq!(by_name("mae_hu").unwrap().describe(&comparison).data_range, None);
    }
}
