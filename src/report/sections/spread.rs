//! Errors of the methods: a line profile through the middle, the distribution of the errors, and their bias and spread
//! by tissue.

use super::Page;
use crate::data::Tissue;
use crate::report::figures::chart::swatch;
use crate::report::figures::errors::{Errors, Spread};
use crate::report::figures::profile;
use crate::report::numbers::{metric, pretty, significant};
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let style = |name: &str| page.style(name);
    let Some(profile) = profile::chart(page.gallery.truth, &page.gallery.methods, style) else { return html! {} };
    html! {
        section #spread {
            h2 { "Profile and errors" }
            div.charts {
                (profile.draw())
                @if let Some(errors) = &page.errors { (errors.histogram(page.unit(), style).draw()) }
            }
            @if let Some(errors) = &page.errors { (table(page, errors)) (tissues(page, errors)) }
        }
    }
}

fn table(page: &Page, errors: &Errors) -> Markup {
    let unit = page.unit();
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Error, all voxels" }
                        th.number scope="col" { "Bias" span.unit { " [" (unit) "]" } }
                        th.number scope="col" { "Standard deviation" span.unit { " [" (unit) "]" } }
                        th.number scope="col" { "5 % to 95 %" span.unit { " [" (unit) "]" } }
                        th.number scope="col" { "Beyond ±" (significant(errors.range, 4)) " " (unit) }
                    }
                }
                tbody { @for spread in &errors.methods { (row(page, spread, unit)) } }
            }
        }
    }
}

/// Bias and standard deviation (HU) of each method's errors in each tissue class of the truth; nothing if the truth is
/// not in HU.
fn tissues(page: &Page, errors: &Errors) -> Markup {
    let Some(first) = errors.methods.first().filter(|spread| !spread.tissues.is_empty()) else { return html! {} };
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Bias ± standard deviation by tissue" span.unit { " [HU]" } }
                        @for of in &first.tissues {
                            th.number scope="col" {
                                (of.tissue.name()) span.unit { " " (bounds(of.tissue)) }
                                span.fov { (of.voxels) " voxels" }
                            }
                        }
                    }
                }
                tbody { @for spread in &errors.methods { (tissue_row(page, spread)) } }
            }
        }
        p.key { "Classes are those of the truth's CT numbers; mixtures between them are in none." }
    }
}

/// The range of CT numbers of a tissue class in words.
fn bounds(tissue: Tissue) -> String {
    match tissue.bounds() {
        [low, high] if low.is_infinite() => format!("below {}", pretty(&significant(high, 4))),
        [low, high] if high.is_infinite() => format!("from {}", pretty(&significant(low, 4))),
        ends => ends.map(|end| pretty(&significant(end, 4))).join(" to "),
    }
}

/// Bias and standard deviation (HU) of one method's errors in each tissue class.
fn tissue_row(page: &Page, spread: &Spread) -> Markup {
    html! {
        tr {
            th scope="row" { (swatch(page.style(&spread.name))) (spread.name) }
            @for of in &spread.tissues {
                td.number { (signed(of.bias, "HU")) " ± " (metric(of.deviation, "HU")) }
            }
        }
    }
}

fn signed(value: f64, unit: &str) -> String {
    if value > 0.0 { format!("+{}", metric(value, unit)) } else { pretty(&metric(value, unit)) }
}

fn row(page: &Page, spread: &Spread, unit: &str) -> Markup {
    let signed = |value: f64| signed(value, unit);
    html! {
        tr {
            th scope="row" { (swatch(page.style(&spread.name))) (spread.name) }
            td.number { (signed(spread.bias)) }
            td.number { (metric(spread.deviation, unit)) }
            td.number { (signed(spread.ends[0])) " … " (signed(spread.ends[1])) }
            td.number { (format!("{:.2} %", 100.0 * spread.beyond)) }
        }
    }
}
