//! Versions, machine and hashes: what it takes to say that two runs were the same.

use super::Scene;
use crate::report::Fact;
use maud::{Markup, html};

pub(crate) fn section(scene: &Scene) -> Markup {
    let run = &scene.gallery.run;
    let tables =
        [("Versions", &run.versions), ("Machine", &run.machine), ("Inputs (blake3)", &run.inputs), ("Outputs (blake3)", &run.outputs)];
    html! {
        @if tables.iter().any(|(_, rows)| !rows.is_empty()) {
            section #facts {
                h2 { "Provenance" }
                div.tables { @for (title, rows) in tables { (table(title, rows)) } }
            }
        }
    }
}

fn table(title: &str, rows: &[Fact]) -> Markup {
    html! {
        @if !rows.is_empty() {
            table.facts {
                caption { (title) }
                tbody { @for (label, value) in rows { tr { th scope="row" { (label) } td { (value) } } } }
            }
        }
    }
}
