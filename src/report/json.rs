//! `report.json`: the [`Report`] itself as JSON. Its keys are a stable interface for other programs.

use super::finite::finite;
use crate::data::Report;

/// The report as indented JSON with a final line feed. It contains no NaN or infinity: a metric that does not exist is
/// null with an entry in `reasons`; points of curves that are not finite are left out with a warning. The text can be
/// parsed as a [`Report`].
#[must_use]
pub fn document(report: &Report) -> String {
    let mut text =
        serde_json::to_string_pretty(&finite(report)).expect("a report has string keys and finite numbers only");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_document_reads_back_as_the_same_report() {
        let report = samples::report();
        let back: Report = serde_json::from_str(&document(&report)).unwrap();
        assert_eq!(back, report);
    }

    #[test]
    fn the_keys_are_the_contract() {
        let value: serde_json::Value = serde_json::from_str(&document(&samples::report())).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(
            keys(&value),
            "schema name status device seed identity stages methods metric_definitions warnings config"
        );
        assert_eq!(keys(&value["stages"][0]), "name seconds cached");
        assert_eq!(
            keys(&value["methods"][1]),
            "name algorithm status seconds peak_memory_bytes volume metrics notes curve"
        );
        assert_eq!(keys(&value["methods"][1]["curve"][0]), "step seconds loss rate");
        assert_eq!(value["status"], "complete");
    }

    #[test]
    fn a_report_full_of_nan_still_reads_back() {
        let mut report = samples::report();
        for method in &mut report.methods {
            method.seconds = f64::NAN;
            method.metrics.values_mut().for_each(|value| *value = Some(f64::NAN));
            method.curve.iter_mut().for_each(|point| point.loss = f64::INFINITY);
        }
        report.stages[0].seconds = f64::NAN;
        let text = document(&report);
        let back: Report = serde_json::from_str(&text).unwrap();
        assert!(
            back.methods.iter().all(|method| method.curve.is_empty() && method.reasons.len() == method.metrics.len())
        );
        assert!(!text.contains("NaN") && !text.contains("inf,"));
    }
}
