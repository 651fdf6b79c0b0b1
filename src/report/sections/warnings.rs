//! Everything that was warned about, before any picture.

use super::Scene;
use maud::{Markup, html};

pub(crate) fn section(scene: &Scene) -> Markup {
    let warnings = &scene.report.warnings;
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
