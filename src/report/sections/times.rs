//! The run time of each stage, and which stages were reused from an earlier run.

use super::Page;
use crate::report::numbers;
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let stages = &page.report.stages;
    let longest = stages.iter().map(|stage| stage.seconds).fold(0.0, f64::max);
    let width = |seconds: f64| if longest > 0.0 { 100.0 * seconds / longest } else { 0.0 };
    html! {
        @if !stages.is_empty() {
            section #times {
                h2 { "Stages" }
                table.times {
                    tbody {
                        @for stage in stages {
                            tr {
                                th scope="row" { (stage.name) @if stage.cached { span.badge.cached { "cached" } } }
                                td.number { (numbers::duration(stage.seconds)) }
                                td.meter aria-hidden="true" {
                                    span style=(format!("width: {:.1}%", width(stage.seconds))) {}
                                }
                            }
                        }
                    }
                }
                @if stages.iter().any(|stage| stage.cached) {
                    p.key { "cached = taken unchanged from an earlier run; the time is what this run spent on it." }
                }
            }
        }
    }
}
