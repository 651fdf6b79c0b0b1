//! Where and how the methods miss the truth: a line through the middle, the spread of the errors.

use super::Page;
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
            @if let Some(errors) = &page.errors { (table(page, errors)) }
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

fn row(page: &Page, spread: &Spread, unit: &str) -> Markup {
    let signed =
        |value: f64| if value > 0.0 { format!("+{}", metric(value, unit)) } else { pretty(&metric(value, unit)) };
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
