//! The run time of each stage, and which stages were reused from an earlier run.

use super::Page;
use crate::data::StageReport;
use crate::report::numbers;
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let stages = &page.report.stages;
    let longest = stages.iter().map(|stage| stage.seconds).fold(0.0, f64::max);
    html! {
        @if !stages.is_empty() {
            section #times {
                h2 { "Stages" }
                table.times { tbody { @for stage in stages { (row(stage, longest)) } } }
                @if stages.iter().any(|stage| stage.cached) {
                    p.key { "cached = taken unchanged from an earlier run; the time is what this run spent on it." }
                }
            }
        }
    }
}

/// The name and the run time of a stage, and a bar as long as its share of the `longest` time.
fn row(stage: &StageReport, longest: f64) -> Markup {
    let width = if longest > 0.0 { 100.0 * stage.seconds / longest } else { 0.0 };
    html! {
        tr {
            th scope="row" { (stage.name) @if stage.cached { span.badge.cached { "cached" } } }
            td.number { (numbers::duration(stage.seconds)) }
            td.meter aria-hidden="true" { span style=(format!("width: {width:.1}%")) {} }
        }
    }
}
