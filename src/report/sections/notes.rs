//! The notes of the methods.

use super::Page;
use crate::data::MethodReport;
use maud::{Markup, html};
use serde_json::Value;

/// Keys of the notes that other sections show.
const SHOWN: [&str; 4] = ["start", "start_psnr_db", "reason", super::withheld::NOTE];

pub(crate) fn section(page: &Page) -> Markup {
    let methods = page.report.methods.iter().map(|method| (&method.name, own_notes(method)));
    let methods: Vec<_> = methods.filter(|(_, notes)| !notes.is_empty()).collect();
    html! {
        @if !methods.is_empty() {
            section #notes {
                h2 { "Notes of the methods" }
                div.scroll {
                    table.facts { tbody { @for (name, notes) in &methods { (rows(name, notes)) } } }
                }
            }
        }
    }
}

/// The notes of a method that no other section shows, by key.
fn own_notes(method: &MethodReport) -> Vec<(&String, &Value)> {
    method.notes.iter().filter(|(key, _)| !SHOWN.contains(&key.as_str())).collect()
}

/// The rows of a method's notes; the first of them names the method.
fn rows(name: &str, notes: &[(&String, &Value)]) -> Markup {
    html! {
        @for (i, (key, note)) in notes.iter().enumerate() {
            tr {
                @if i == 0 { th scope="rowgroup" rowspan=(notes.len()) { (name) } }
                td { (key) }
                td { (text(note)) }
            }
        }
    }
}

fn text(note: &Value) -> String {
    match note {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
