//! The warnings of the run, shown before any picture.

use super::Page;
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let warnings = &page.report.warnings;
    html! {
        @if !warnings.is_empty() {
            section #warnings {
                h2 { "Warnings" }
                @for warning in warnings {
                    div.warning { strong { (warning.message) } code { (warning.code) } }
                }
            }
        }
    }
}
