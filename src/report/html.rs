//! `report.html`: the report of a run as one self-contained page. It needs no network: pictures, style, volumes and the
//! viewer's script are inside. It can be read without scripts, in light and dark mode, in print and on a phone.
//!
//! [`maud`] escapes every text; control characters and bidirectional marks, which could still make a text look like
//! another, are replaced in the finished page.

use super::finite::finite;
use super::sections::contents::Entry;
use super::sections::{self, Page};
use super::viewer::{self, Ranges, Viewer};
use super::{Gallery, figures};
use crate::data::Report;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("style.css");

/// The HTML report of a run. It never fails: missing parts are left out or shown as missing, with the reason.
#[must_use]
pub fn page(report: &Report, images: &Gallery) -> String {
    let report = finite(report);
    let page = Page::of(&report, images);
    let viewer = page.window.and_then(|whole| {
        let error = page.errors.as_ref().map(|errors| errors.range);
        Viewer::of(images, &Ranges { whole, detail: page.detail, error })
    });
    let sections = entries(&page, viewer.as_ref());
    let body = html! {
        (sections::header::section(&page))
        (sections::contents::list(&sections))
        main { @for (.., section) in &sections { (section) } }
        footer {
            "Made by recon " (env!("CARGO_PKG_VERSION")) ". For research: not a medical device, not for diagnosis. "
            "The same figures for programs: report.json and report.csv beside this page."
        }
        (sections::viewer::data(viewer.as_ref()))
    };
    let title = format!("{} · recon report", report.name);
    if viewer.is_some() {
        written(&title, &body, &[STYLE, viewer::STYLE].concat(), Some(viewer::SCRIPT))
    } else {
        document(&title, &body)
    }
}

/// The sections of the page in their order, with their anchors and titles.
fn entries(page: &Page, viewer: Option<&Viewer>) -> [Entry; 13] {
    [
        ("warnings", "Warnings", sections::warnings::section(page)),
        ("scores", "Comparison", sections::scores::section(page)),
        ("pictures", "Pictures", sections::pictures::section(page)),
        ("viewer", "Viewer", sections::viewer::section(viewer)),
        ("images", "Slices", sections::images::section(page)),
        ("spread", "Errors", sections::spread::section(page)),
        ("withheld", "Without a truth", sections::withheld::section(page)),
        ("scan", "Scan", sections::scan::section(page)),
        ("convergence", "Convergence", sections::convergence::section(page)),
        ("notes", "Notes", sections::notes::section(page)),
        ("times", "Stages", sections::times::section(page)),
        ("facts", "How to repeat this run", sections::facts::section(page)),
        ("config", "Configuration", sections::config::section(page)),
    ]
}

/// A self-contained page with the style of the report.
pub(crate) fn document(title: &str, body: &Markup) -> String {
    written(title, body, STYLE, None)
}

/// The content security policy: the browser accepts pictures from `data:` URIs and the style and the script of the page
/// with these hashes, and refuses everything else. `style` attributes are allowed because they contain only numbers
/// that the report computed.
fn policy(style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let script = script.map_or_else(String::new, |script| format!("script-src {}; ", hash(script)));
    format!(
        "default-src 'none'; img-src data:; {script}style-src-elem {}; style-src-attr 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'",
        hash(style)
    )
}

fn written(title: &str, body: &Markup, style: &str, script: Option<&str>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(style, script));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    harmless(page.into_string())
}

/// Replaces control characters other than line feeds, and bidirectional marks, by U+FFFD.
fn harmless(text: String) -> String {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(bad) { text.replace(bad, "\u{fffd}") } else { text }
}

impl<'a> Page<'a> {
    /// Collects what the sections share: the order of the metrics, the grey-value windows, the range of the errors.
    fn of(report: &'a Report, gallery: &'a Gallery<'a>) -> Self {
        let first = gallery.truth.or(gallery.methods.first().map(|(_, volume)| *volume));
        let window = first.map(figures::window::Window::of);
        Self {
            report,
            gallery,
            keys: super::ranking::main_keys(report),
            window,
            detail: first.zip(window).and_then(|(volume, whole)| figures::window::Window::detail(volume, whole)),
            errors: gallery.truth.and_then(|truth| figures::errors::Errors::of(truth, &gallery.methods)),
        }
    }
}

#[cfg(test)]
mod tests;
