//! The comparison of the methods: metrics with the best value marked, time, memory, and the values of a method's start.

use super::definitions::definitions;
use super::{Page, Start, metric, value};
use crate::data::{MethodReport, Status};
use crate::report::csv::word;
use crate::report::figures::chart::swatch;
use crate::report::{numbers, ranking};
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    html! {
        @if !page.report.methods.is_empty() {
            section #scores {
                h2 { "Comparison" }
                @for method in &page.report.methods { (unfinished(method)) }
                (table(page))
                (definitions(page))
            }
        }
    }
}

/// The status of a method as a verb, to follow its name.
fn ending(status: Status) -> &'static str {
    match status {
        Status::Complete => "was completed",
        Status::Failed => "failed",
        Status::Diverged => "diverged",
        Status::Interrupted => "was stopped",
    }
}

/// A banner with the reason why a method was not completed.
fn unfinished(method: &MethodReport) -> Markup {
    let reason = method.notes.get("reason").and_then(|reason| reason.as_str());
    html! {
        @if method.status != Status::Complete {
            div.banner.(word(method.status)) {
                strong { (method.name) " " (ending(method.status)) }
                @if let Some(reason) = reason { ": " (reason) } @else { "." }
            }
        }
    }
}

fn table(page: &Page) -> Markup {
    let masked = page.keys.iter().any(|key| page.in_view(key).is_some());
    html! {
        div.scroll {
            table.scores {
                thead { (headings(page)) }
                tbody {
                    @for method in &page.report.methods {
                        (row(page, method))
                        @if let Some(start) = Start::of(method) { (start_row(page, &start)) }
                    }
                }
            }
        }
        p.key {
            span.best { "Bold" } " is the best of its column among complete methods. "
            @if masked { "Small figures (fov) count only the voxels that every view sees. " }
            "Memory is the highest resident memory of the whole process while the method ran."
        }
    }
}

/// The headings of the columns.
fn headings(page: &Page) -> Markup {
    html! {
        tr {
            th scope="col" { "Method" }
            @for key in &page.keys {
                th.number scope="col" { (ranking::name(key)) (unit(ranking::unit(page.report, key))) }
            }
            th.number scope="col" { "Time" }
            th.number scope="col" { "Peak memory" }
        }
    }
}

fn unit(unit: &str) -> Markup {
    html! { @if !unit.is_empty() { span.unit { " [" (unit) "]" } } }
}

fn row(page: &Page, method: &MethodReport) -> Markup {
    let best = |key: &str| ranking::best(page.report, key).is_some_and(|best| best.name == method.name);
    html! {
        tr {
            th scope="row" {
                (swatch(page.style(&method.name))) (method.name)
                @if method.algorithm != method.name { span.kind { (method.algorithm) } }
                @if method.status != Status::Complete { span.badge.(word(method.status)) { (word(method.status)) } }
            }
            @for key in &page.keys {
                td.number.best[best(key)] {
                    (metric(page, method, key))
                    @if let Some(masked) = page.in_view(key) { span.fov { "fov " (metric(page, method, &masked)) } }
                }
            }
            td.number { (numbers::duration(method.seconds)) }
            td.number {
                @if let Some(bytes) = method.peak_memory_bytes { (numbers::size(bytes)) }
                @else { abbr.missing title="not available on this system" { (numbers::MISSING) } }
            }
        }
    }
}

/// The metrics of a start, in the row below the method that used it.
fn start_row(page: &Page, start: &Start) -> Markup {
    let figure =
        |key: &str| value(start.figure(key), ranking::unit(page.report, key), Some("not measured for the start"));
    html! {
        tr.start {
            th scope="row" { "↳ its start: " (start.algorithm) }
            @for key in &page.keys { td.number { (figure(key)) } }
            td.number { @if let Some(seconds) = start.figure("seconds") { (numbers::duration(seconds)) } }
            td {}
        }
    }
}
