//! Tests of the metrics against scikit-image 0.26.0 (numpy 2.4.6) and scipy. The expected values were printed by
//! `tools/golden-metrics.py`, for volumes of whole numbers that both sides compute by the same formula.

use super::comparison::tests::volume;
use super::{Comparison, by_name};
use crate::data::Volume;

fn volumes(shape: [usize; 3]) -> (Volume, Volume, Vec<bool>) {
    let [nz, ny, nx] = shape.map(|n| n as i64);
    let index = |i: usize| (i as i64 / (nx * ny), i as i64 / nx % ny, i as i64 % nx);
    let truth = move |i: usize| {
        let (z, y, x) = index(i);
        -1000 + 37 * ((3 * x + 5 * y + 7 * z) % 11) + 900 * ((x / 4 + y / 5 + z / 3) % 2) + 6 * x
    };
    let found = move |i: usize| {
        let (z, y, x) = index(i);
        truth(i) + 8 * ((x * y + 3 * z * z + 11 * x) % 97 - 48) + 25 * ((x + z) / 6 % 2)
    };
    let held = move |i: usize| {
        let (z, y, x) = index(i);
        (2 * z - nz).pow(2) + (2 * y - ny).pow(2) + (2 * x - nx).pow(2) <= ny.min(nx).pow(2)
    };
    let mask = (0..shape.iter().product()).map(held).collect();
    (volume(shape, |i| truth(i) as f32), volume(shape, |i| found(i) as f32), mask)
}

fn check(shape: [usize; 3], range: f64, masked: bool, expected: &[(&str, f64)]) {
    let (truth, found, mask) = volumes(shape);
    let comparison = Comparison::new(&truth, &found, masked.then_some(&mask)).unwrap();
    assert_eq!(comparison.range(), Some(range));
    for (key, expected) in expected {
        let value = by_name(key).unwrap().measure(&comparison).unwrap();
        // 1e-5 would be enough; sums in f64 agree far better.
        assert!((value - expected).abs() < 1e-9 * expected.abs().max(1.0), "{key}: {value} against {expected}");
    }
}

#[test]
fn a_volume_scores_as_in_scikit_image() {
    let expected = [
        ("psnr_db", 15.803796764176328),
        ("ssim", 0.894430863717021),
        ("rmse_hu", 225.33308471303806),
        ("mae_hu", 194.64799253034548),
        ("ssim_slices", 0.8752500194553704),
    ];
    check([17, 24, 21], 1390.0, false, &expected);
}

#[test]
fn a_masked_volume_scores_as_the_masked_map_of_scikit_image() {
    let expected = [
        ("psnr_db", 15.743035249681608),
        ("ssim", 0.8944276361758662),
        ("rmse_hu", 225.9354235546031),
        ("mae_hu", 195.66426071741031),
        ("ssim_slices", 0.8751614769315954),
    ];
    check([17, 24, 21], 1384.0, true, &expected);
}

#[test]
fn a_single_slice_scores_as_a_2d_image_in_scikit_image() {
    let ssim = 0.8268227875553359;
    let expected = [
        ("psnr_db", 16.359911779891732),
        ("ssim", ssim),
        ("rmse_hu", 227.7803334421791),
        ("mae_hu", 196.94242424242424),
        ("ssim_slices", ssim),
    ];
    check([1, 33, 40], 1498.0, false, &expected);
}

#[test]
fn a_masked_slice_scores_as_the_masked_map_of_scikit_image() {
    let expected = [
        ("psnr_db", 16.24497549418325),
        ("ssim", 0.8274468007050879),
        ("rmse_hu", 224.343039848135),
        ("mae_hu", 194.01179245283018),
    ];
    check([1, 33, 40], 1456.0, true, &expected);
}

#[test]
fn the_further_metrics_score_as_their_formulas_in_scipy() {
    let expected = [
        ("nrmse", 0.16211013288707773),
        ("correlation", 0.9028228485288028),
        ("gmsd", 0.036208970575171175),
        ("ssim2d_gauss_r2", 0.9029339567950471),
        ("ssim3d_naf", 0.8978880041991837),
        ("hu_bias_air", -11.302631578947368),
        ("hu_spread_air", 232.43742903011),
        ("hu_bias_lung", 4.001230920728705),
        ("hu_spread_lung", 222.06918082401194),
        ("hu_bias_fat", 30.25609756097561),
        ("hu_spread_fat", 227.96222467210197),
        ("hu_bias_soft", 16.3748943364328),
        ("hu_spread_soft", 228.64857337216012),
        ("hu_bias_bone", 9.955176767676768),
        ("hu_spread_bone", 225.40620154045908),
    ];
    check([17, 24, 21], 1390.0, false, &expected);
}

#[test]
fn five_scales_score_as_their_formula_in_scipy() {
    let expected = [("ms_ssim", 0.9672288172924519), ("gmsd", 0.04192687714415548)];
    check([2, 180, 191], 2410.0, false, &expected);
}
