//! The resolved pipeline (every default written out), from which the run can be repeated with the same inputs.

use super::Page;
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let yaml = serde_yaml::to_string(&page.report.config).unwrap_or_else(|_| page.report.config.to_string());
    html! {
        @if !page.report.config.is_null() {
            section #config {
                h2 { "Configuration" }
                details {
                    summary { "The pipeline with every default written out (pipeline.yaml)" }
                    pre { code { (yaml) } }
                }
            }
        }
    }
}
