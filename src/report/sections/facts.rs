//! How to repeat the run: date, machine, software versions, hashes of inputs and outputs, and the command.

use super::Page;
use crate::report::{Fact, Repeat};
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let run = &page.gallery.run;
    let tables = [("When, where and with what", &run.machine), ("Versions", &run.versions)];
    let files = [("Inputs", &run.inputs), ("Outputs", &run.outputs)];
    html! {
        @if tables.iter().chain(&files).any(|(_, rows)| !rows.is_empty()) {
            section #facts {
                h2 { "How to repeat this run" }
                (command(page, run.repeat))
                div.tables {
                    @for (title, rows) in tables { @if !rows.is_empty() { div { h3 { (title) } (lines(rows)) } } }
                }
                @for (title, rows) in files {
                    @if !rows.is_empty() {
                        details {
                            summary { (title) ": " (counted(rows.len())) ", with their hashes (blake3)" }
                            (lines(rows))
                        }
                    }
                }
            }
        }
    }
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_string() } else { format!("{files} files") }
}

/// The command that repeats the run. It is relative to the run folder, so it remains valid if the folder is moved
/// together with its inputs.
fn command(page: &Page, repeat: Repeat) -> Markup {
    if repeat.threads == 0 {
        return html! {};
    }
    let (device, threads) = (&page.report.device, repeat.threads);
    let command = format!("recon run pipeline.yaml --output again --device {device} --threads {threads}");
    html! {
        p {
            "In the run folder, whose pipeline.yaml has every setting (seed " (page.report.seed) "): "
        }
        pre.command { code { (command) } }
        p {
            @if !repeat.named {
                "The inputs are not named here (identity: drop): give their paths with "
                code { "--set" } " in place of those that pipeline.yaml covers. "
            }
            "On a CPU the same inputs, versions and threads give the same bits; "
            code { "recon verify ." } " checks this folder, "
            code { "recon compare . again" } " compares the two runs."
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
