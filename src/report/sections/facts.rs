//! Versions, machine and hashes: what it takes to say that two runs were the same.

use super::Page;
use crate::report::Fact;
use maud::{Markup, html};

/// Longer tables are folded.
const LONG: usize = 16;

pub(crate) fn section(page: &Page) -> Markup {
    let run = &page.gallery.run;
    let tables = [
        ("Versions", &run.versions),
        ("Machine", &run.machine),
        ("Inputs (blake3)", &run.inputs),
        ("Outputs (blake3)", &run.outputs),
    ];
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
        @if rows.len() > LONG {
            details { summary { (title) ": " (rows.len()) " files" } (lines(rows)) }
        } @else if !rows.is_empty() {
            div { h3 { (title) } (lines(rows)) }
        }
    }
}

fn lines(rows: &[Fact]) -> Markup {
    html! {
        table.facts {
            tbody { @for (label, value) in rows { tr { th scope="row" { (label) } td { (value) } } } }
        }
    }
}
