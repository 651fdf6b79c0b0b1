//! `report.html`: the run as one page that needs nothing but itself: no network, no script, pictures and style inside.
//! It reads in light and dark, on paper and on a phone.
//!
//! Every text goes through [`maud`], which escapes it; what could still mislead a reader's eye (control characters,
//! marks that turn the writing direction) is replaced in the finished page.

use super::finite::finite;
use super::sections::{self, Page};
use super::{Gallery, figures};
use crate::data::Report;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");
/// Pictures come from `data:` addresses, style from the page; everything else is refused by the browser.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a run. It never fails: what is missing is left out or shown as missing, with the reason.
#[must_use]
pub fn page(report: &Report, images: &Gallery) -> String {
    let report = finite(report);
    let page = Page::of(&report, images);
    let body = html! {
        (sections::header::section(&page))
        main {
            (sections::warnings::section(&page))
            (sections::scores::section(&page))
            (sections::pictures::section(&page))
            (sections::images::section(&page))
            (sections::spread::section(&page))
            (sections::withheld::section(&page))
            (sections::scan::section(&page))
            (sections::convergence::section(&page))
            (sections::notes::section(&page))
            (sections::times::section(&page))
            (sections::facts::section(&page))
            (sections::config::section(&page))
        }
        footer {
            "Made by recon " (env!("CARGO_PKG_VERSION")) ". For research: not a medical device, not for diagnosis. "
            "The same figures for programs: report.json and report.csv beside this page."
        }
    };
    document(&format!("{} · recon report", report.name), &body)
}

/// A page with our style that needs nothing but itself.
pub(crate) fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    harmless(page.into_string())
}

/// The text with control characters and writing-direction marks replaced.
fn harmless(text: String) -> String {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(bad) { text.replace(bad, "\u{fffd}") } else { text }
}

impl<'a> Page<'a> {
    /// What the sections share: the order of the metrics, one window, one range of errors.
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
