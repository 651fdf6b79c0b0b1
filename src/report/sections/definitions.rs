//! Definitions of the metrics in the comparison, and the reasons for missing values.

use super::Page;
use crate::data::MetricDefinition;
use crate::report::{numbers, ranking};
use maud::{Markup, html};

pub(crate) fn definitions(page: &Page) -> Markup {
    let defined: Vec<_> =
        page.keys.iter().filter_map(|key| Some((key, page.report.metric_definitions.get(key)?))).collect();
    html! {
        (reasons(page))
        @if !defined.is_empty() {
            details {
                summary { "What these figures mean" }
                dl.definitions { @for (key, meaning) in defined { (definition(page, key, meaning)) } }
            }
        }
    }
}

/// The name of a metric, and its meaning with the voxels over which it is taken.
fn definition(page: &Page, key: &str, meaning: &MetricDefinition) -> Markup {
    let masked = page.in_view(key).and_then(|key| page.report.metric_definitions.get(&key));
    html! {
        dt { (ranking::name(key)) " " code { (key) } }
        dd {
            (meaning.definition.trim_end_matches('.')) ". "
            "Taken over " (scope(page, meaning))
            @if let Some(masked) = masked { "; fov over " (scope(page, masked)) }
            "."
        }
    }
}

/// The voxels and the data range R of a metric in words.
fn scope(page: &Page, meaning: &MetricDefinition) -> Markup {
    let voxels = match meaning.mask.as_str() {
        "all" => "all voxels of the grid",
        "fov" => "voxels seen by every view",
        other => other,
    };
    html! {
        (voxels)
        @if let Some(range) = meaning.data_range { ", R = " (numbers::significant(range, 6)) " " (page.unit()) }
    }
}

/// The reasons for missing values as a list: the tooltip of a dash is not visible in print or on a touch screen.
fn reasons(page: &Page) -> Markup {
    let missing = page
        .report
        .methods
        .iter()
        .flat_map(|method| method.reasons.iter().map(move |(key, reason)| (&method.name, key, reason)));
    let missing: Vec<_> = missing.collect();
    html! {
        @if !missing.is_empty() {
            ul.reasons {
                @for (name, key, reason) in missing {
                    li { (numbers::MISSING) " " (name) ", " (ranking::name(key)) ": " (reason) }
                }
            }
        }
    }
}
