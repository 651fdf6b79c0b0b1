//! The resolved pipeline: with it and the same inputs the run can be repeated.

use super::Scene;
use maud::{Markup, html};

pub(crate) fn section(scene: &Scene) -> Markup {
    let yaml = serde_yaml::to_string(&scene.report.config).unwrap_or_else(|_| scene.report.config.to_string());
    html! {
        @if !scene.report.config.is_null() {
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
