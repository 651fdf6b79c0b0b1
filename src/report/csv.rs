//! `report.csv`: one line per method, for spreadsheets and scripts.

use super::finite::finite;
use super::ranking;
use crate::data::{Report, Status};

/// The methods as CSV (RFC 4180: CRLF, quotes where needed) with the columns `name, algorithm, status, seconds,
/// peak_memory_bytes` and then the metrics in the order of the configuration. A missing value is an empty field.
/// Numbers are written with all digits, so that they read back exactly.
#[must_use]
pub fn table(report: &Report) -> String {
    let report = finite(report);
    let keys = ranking::keys(&report);
    let fixed = ["name", "algorithm", "status", "seconds", "peak_memory_bytes"].map(String::from);
    let mut text = line(fixed.into_iter().chain(keys.iter().cloned()));
    for method in &report.methods {
        let memory = method.peak_memory_bytes.map_or_else(String::new, |bytes| bytes.to_string());
        let fixed = [
            method.name.clone(),
            method.algorithm.clone(),
            word(method.status).to_string(),
            method.seconds.to_string(),
            memory,
        ];
        let figures = keys
            .iter()
            .map(|key| method.metrics.get(key).copied().flatten().map_or_else(String::new, |value| value.to_string()));
        text += &line(fixed.into_iter().chain(figures));
    }
    text
}

/// Name of a status as in `report.json`.
pub(crate) fn word(status: Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Failed => "failed",
        Status::Diverged => "diverged",
        Status::Interrupted => "interrupted",
    }
}

/// One CSV line; fields with a comma, a quote or a line end are quoted.
pub(crate) fn line(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_columns_are_the_contract() {
        let text = table(&samples::report());
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(
            lines[0],
            "name,algorithm,status,seconds,peak_memory_bytes,psnr_db,ssim,rmse_hu,psnr_db_fov,ssim_fov,rmse_hu_fov"
        );
        assert_eq!(lines[1], "fdk,fdk,complete,0.84,412090368,24.31,0.6127,61.2,25.31,0.6127,55.08");
        assert_eq!(lines.len(), 1 + samples::report().methods.len());
    }

    #[test]
    fn commas_quotes_and_line_ends_are_quoted_and_missing_numbers_are_empty() {
        let mut report = samples::report();
        report.methods.truncate(1);
        report.methods[0].name = "a,\"b\"\nc".into();
        report.methods[0].peak_memory_bytes = None;
        report.methods[0].metrics.insert("ssim".into(), None);
        let text = table(&report);
        assert!(
            text.contains("\r\n\"a,\"\"b\"\"\nc\",fdk,complete,0.84,,24.31,,61.2,25.31,0.6127,55.08\r\n"),
            "{text}"
        );
    }
}
