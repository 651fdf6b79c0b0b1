//! The Fourier shell correlation of each method: the curves from which its resolution is computed, from two volumes
//! that were reconstructed from alternate views.

use super::Page;
use crate::data::MethodReport;
use crate::report::figures::axis::Axis;
use crate::report::figures::chart::{Chart, Series};
use maud::{Markup, html};

/// Key of the note with the curve of a method.
pub(super) const NOTE: &str = "fourier_shell_correlation";

pub(crate) fn section(page: &Page) -> Markup {
    let mut series: Vec<Series> =
        page.report.methods.iter().filter_map(|method| curve(page, method, "correlation")).collect();
    let half_bit = page.report.methods.iter().find_map(|method| curve(page, method, "half_bit"));
    series.extend(half_bit.map(|curve| Series { name: "half-bit curve".to_string(), style: 0, ..curve }));
    let chart = Chart {
        title: "Fourier shell correlation of two volumes, each from every other view".to_string(),
        clock: Vec::new(),
        x: Axis::linear("spatial frequency [1/mm]"),
        y: Axis::linear("correlation"),
        series,
    };
    html! {
        @if chart.series.len() > 1 {
            section #withheld {
                h2 { "Without a truth" }
                p {
                    "A method's resolution is 1/f where its curve falls below the half-bit curve. Errors common to \
                     both volumes (rings, a wrong axis, a prior that smooths both alike) are not detected."
                }
                div.charts { (chart.draw()) }
            }
        }
    }
}

fn curve(page: &Page, method: &MethodReport, key: &str) -> Option<Series> {
    let note = method.notes.get(NOTE)?;
    let list =
        |key: &str| -> Option<Vec<f64>> { note.get(key)?.as_array()?.iter().map(serde_json::Value::as_f64).collect() };
    let points = list("frequency_per_mm")?.into_iter().zip(list(key)?).map(|(x, y)| [x, y]).collect();
    Some(Series { name: method.name.clone(), style: page.style(&method.name), points })
}

#[cfg(test)]
mod tests {
    use crate::report::{html, samples};
    use serde_json::json;

    #[test]
    fn the_curves_of_all_methods_share_one_chart_and_leave_the_notes() {
        let mut report = samples::report();
        let note = json!({"frequency_per_mm": [0.1, 0.2], "correlation": [0.9, 0.3], "half_bit": [0.7, 0.5]});
        report.methods[0].notes.insert(super::NOTE.into(), note);
        let page = html::page(&report, &crate::report::Gallery::default());
        assert!(page.contains("Without a truth") && page.contains("half-bit curve"), "{page}");
        assert!(!page.contains("frequency_per_mm"));
        report.methods[0].notes.remove(super::NOTE);
        assert!(!html::page(&report, &crate::report::Gallery::default()).contains("Without a truth"));
    }
}
