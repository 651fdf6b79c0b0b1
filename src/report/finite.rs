//! Removes NaN and infinity from a [`Report`]: JSON has neither, and a reader must learn why a number is missing.

use crate::data::{MethodReport, Report, Warning};

/// Stable code of the warning that names the numbers that were left out.
const CODE: &str = "not_finite";

/// Returns the report with finite numbers only. A metric that is not finite becomes null with a reason; a point of a
/// curve whose loss or time is not finite is left out with a warning, other quantities of a point are left out
/// silently; a time of a stage or method becomes 0 with a warning. Every null metric has a reason afterwards.
pub(crate) fn finite(report: &Report) -> Report {
    let mut report = report.clone();
    let mut warnings = Vec::new();
    for stage in &mut report.stages {
        if !stage.seconds.is_finite() {
            stage.seconds = 0.0;
            warnings
                .push(Warning::new(CODE, format!("stage {}: its time was not finite and is given as 0", stage.name)));
        }
    }
    for method in &mut report.methods {
        if !method.seconds.is_finite() {
            method.seconds = 0.0;
            warnings
                .push(Warning::new(CODE, format!("method {}: its time was not finite and is given as 0", method.name)));
        }
        clean_metrics(method);
        warnings.extend(clean_curve(method));
    }
    for definition in report.metric_definitions.values_mut() {
        definition.data_range = definition.data_range.filter(|range| range.is_finite());
    }
    report.warnings.extend(warnings);
    report
}

fn clean_metrics(method: &mut MethodReport) {
    for (key, value) in &mut method.metrics {
        let reason = match value {
            Some(number) if number.is_finite() => continue,
            Some(number) if number.is_nan() => "the value was not a number",
            Some(_) => "the value was infinite",
            None => "not measured",
        };
        *value = None;
        method.reasons.entry(key.clone()).or_insert_with(|| reason.to_string());
    }
}

fn clean_curve(method: &mut MethodReport) -> Option<Warning> {
    let bad = |loss: f64, seconds: f64| !(loss.is_finite() && seconds.is_finite());
    let first = method.curve.iter().find(|point| bad(point.loss, point.seconds)).map(|point| point.step);
    let before = method.curve.len();
    method.curve.retain(|point| !bad(point.loss, point.seconds));
    for point in &mut method.curve {
        point.figures.retain(|_, figure| figure.is_finite());
    }
    let left_out = before - method.curve.len();
    first.map(|step| {
        let message = format!(
            "method {}: the loss was not finite at {left_out} of {before} points, first at step {step}",
            method.name
        );
        Warning::new(CODE, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_finite_report_is_left_alone() {
        let report = samples::report();
        assert_eq!(finite(&report), report);
    }

    #[test]
    fn what_is_not_finite_becomes_null_with_a_reason() {
        let mut report = samples::report();
        let method = &mut report.methods[1];
        method.metrics.insert("psnr_db".into(), Some(f64::INFINITY));
        method.metrics.insert("ssim".into(), Some(f64::NAN));
        method.metrics.insert("mae_hu".into(), None);
        method.seconds = f64::NAN;
        method.curve[2].loss = f64::NAN;
        method.curve[3].figures.insert("rate".into(), f64::NEG_INFINITY);
        let points = method.curve.len();
        let clean = finite(&report);
        let method = &clean.methods[1];
        assert!(method.metrics["psnr_db"].is_none() && method.reasons["psnr_db"].contains("infinite"));
        assert!(method.metrics["ssim"].is_none() && method.reasons["ssim"].contains("not a number"));
        assert_eq!(method.reasons["mae_hu"], "not measured");
        assert_eq!(method.curve.len(), points - 1);
        assert!(!method.curve[2].figures.contains_key("rate"));
        assert_eq!(clean.warnings.iter().filter(|warning| warning.code == CODE).count(), 2);
    }
}
