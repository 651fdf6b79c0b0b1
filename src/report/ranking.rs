//! Metric keys: their order, their display names, whether higher or lower values are better, and the best method.

use crate::data::{MethodReport, Report, Status};

/// Direction in which a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Higher values are better, such as for PSNR.
    Higher,
    /// Lower values are better, such as for RMSE.
    Lower,
}

/// Prefix of a key, display name, better direction. The first matching prefix is used, so a longer prefix must come
/// before a shorter one that it begins with.
const KNOWN: [(&str, &str, Better); 21] = [
    ("psnr_db", "PSNR", Better::Higher),
    ("ssim_slices", "SSIM by slice", Better::Higher),
    ("ssim2d_gauss_r2", "SSIM (R2-Gaussian)", Better::Higher),
    ("ssim3d_naf", "SSIM (NAF)", Better::Higher),
    ("ssim", "SSIM", Better::Higher),
    ("ms_ssim", "MS-SSIM", Better::Higher),
    ("nrmse", "NRMSE", Better::Lower),
    ("correlation", "correlation", Better::Higher),
    ("gmsd", "GMSD", Better::Lower),
    ("hu_spread_air", "spread in air", Better::Lower),
    ("hu_spread_lung", "spread in lung", Better::Lower),
    ("hu_spread_fat", "spread in fat", Better::Lower),
    ("hu_spread_soft", "spread in soft tissue", Better::Lower),
    ("hu_spread_bone", "spread in bone", Better::Lower),
    ("rmse_hu", "RMSE", Better::Lower),
    ("mae_hu", "MAE", Better::Lower),
    ("views_psnr_db", "PSNR of views", Better::Higher),
    ("views_ssim", "SSIM of views", Better::Higher),
    ("held_out_residual", "held-out residual", Better::Lower),
    ("held_out_noise", "held-out error", Better::Lower),
    ("resolution_mm", "resolution", Better::Lower),
];

/// Suffix of the key of a metric that is computed only over the voxels that every view sees (field of view).
pub(crate) const IN_VIEW: &str = "_fov";

fn known(key: &str) -> Option<(&str, &'static str, Better)> {
    let (start, name, better) = KNOWN.iter().find(|(start, ..)| key.starts_with(start))?;
    Some((key[start.len()..].trim_start_matches('_'), name, *better))
}

/// Display name of a key, such as `PSNR` for `psnr_db` and `PSNR fov` for `psnr_db_fov`; the key itself if unknown.
pub(crate) fn name(key: &str) -> String {
    match known(key) {
        Some(("", name, _)) => name.to_string(),
        Some((rest, name, _)) => format!("{name} {rest}"),
        None => key.to_string(),
    }
}

/// Direction in which a metric improves; `None` for an unknown metric.
pub(crate) fn better(key: &str) -> Option<Better> {
    known(key).map(|(_, _, better)| better)
}

/// Unit of a metric, from its definition; empty for dimensionless values (`1`) and without a definition.
pub(crate) fn unit<'a>(report: &'a Report, key: &str) -> &'a str {
    let unit = report.metric_definitions.get(key).map_or("", |definition| definition.unit.as_str());
    if unit == "1" { "" } else { unit }
}

/// Every metric key of the report: those of `evaluate.metrics` in the order of the configuration, then the same metrics
/// over the field of view, then the others in alphabetical order.
pub(crate) fn keys(report: &Report) -> Vec<String> {
    let mut keys: Vec<String> = report
        .metric_definitions
        .keys()
        .chain(report.methods.iter().flat_map(|method| method.metrics.keys()))
        .cloned()
        .collect();
    keys.sort();
    keys.dedup();
    let asked = report.config.pointer("/evaluate/metrics").and_then(|list| list.as_array());
    let asked: Vec<&str> = asked.into_iter().flatten().filter_map(|key| key.as_str()).collect();
    keys.sort_by_key(|key| {
        let base = key.strip_suffix(IN_VIEW).unwrap_or(key);
        let place = asked.iter().position(|name| *name == base);
        (place.is_none(), base != key, place)
    });
    keys
}

/// [`keys`] without the metrics over the field of view whose value over all voxels is also present.
pub(crate) fn main_keys(report: &Report) -> Vec<String> {
    let keys = keys(report);
    let repeats = |key: &String| key.strip_suffix(IN_VIEW).is_some_and(|base| keys.iter().any(|other| other == base));
    keys.iter().filter(|key| !repeats(key)).cloned().collect()
}

/// The best complete method by a metric; `None` with fewer than two complete methods, or for an unknown metric.
pub(crate) fn best<'a>(report: &'a Report, key: &str) -> Option<&'a MethodReport> {
    ranked(report, key).first().copied()
}

/// Complete methods with a value for `key`, the best first; empty with fewer than two such methods, or for an unknown
/// metric.
pub(crate) fn ranked<'a>(report: &'a Report, key: &str) -> Vec<&'a MethodReport> {
    let Some((_, _, better)) = known(key) else { return Vec::new() };
    let value = |method: &MethodReport| method.metrics.get(key).copied().flatten();
    let mut found: Vec<&MethodReport> =
        report.methods.iter().filter(|method| method.status == Status::Complete && value(method).is_some()).collect();
    found.sort_by(|a, b| {
        let order = value(a).unwrap_or(f64::NAN).total_cmp(&value(b).unwrap_or(f64::NAN));
        if better == Better::Higher { order.reverse() } else { order }
    });
    if found.len() < 2 { Vec::new() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_best_is_highest_or_lowest_as_the_metric_means_it() {
        let mut report = samples::report();
        assert_eq!(best(&report, "psnr_db").unwrap().name, "siren");
        assert_eq!(best(&report, "rmse_hu").unwrap().name, "siren");
        report.methods[1].metrics.insert("rmse_hu".into(), Some(1e6));
        assert_eq!(best(&report, "rmse_hu").unwrap().name, "tv");
        report.methods[1].status = Status::Failed;
        report.methods[2].metrics.clear();
        assert!(best(&report, "psnr_db").is_none(), "nothing to compare");
        assert!(best(&report, "glow").is_none(), "unknown direction");
    }

    #[test]
    fn keys_come_in_the_order_they_were_asked_for() {
        let mut report = samples::report();
        assert_eq!(keys(&report), ["psnr_db", "ssim", "rmse_hu", "psnr_db_fov", "ssim_fov", "rmse_hu_fov"]);
        assert_eq!(main_keys(&report), ["psnr_db", "ssim", "rmse_hu"]);
        report.methods[0].metrics.insert("a_new_one".into(), None);
        assert_eq!(keys(&report).last().unwrap(), "a_new_one");
        assert_eq!(name("psnr_db_fov"), "PSNR fov");
    }
}
