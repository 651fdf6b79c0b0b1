//! The sections of the page, one file each: a function from the [`Page`] to markup, which is empty if there is nothing
//! to show.

mod bars;
pub(crate) mod config;
pub(crate) mod contents;
pub(crate) mod convergence;
mod definitions;
pub(crate) mod facts;
mod frame;
pub(crate) mod header;
pub(crate) mod images;
pub(crate) mod notes;
pub(crate) mod pictures;
pub(crate) mod scan;
pub(crate) mod scores;
pub(crate) mod spread;
pub(crate) mod times;
pub(crate) mod viewer;
pub(crate) mod warnings;
pub(crate) mod withheld;

use super::Gallery;
use super::figures::errors::Errors;
use super::figures::window::Window;
use super::{numbers, ranking};
use crate::data::{MethodReport, Report, Volume};
use maud::{Markup, html};

/// The data that the sections share.
pub(crate) struct Page<'a> {
    /// The report, with finite numbers only.
    pub(crate) report: &'a Report,
    /// Volumes, projections and facts for the figures.
    pub(crate) gallery: &'a Gallery<'a>,
    /// Metric keys in display order, without those of [`Page::in_view`].
    pub(crate) keys: Vec<String>,
    /// Grey-value window of every slice; `None` without a volume.
    pub(crate) window: Option<Window>,
    /// A narrower grey-value window for low contrast, if there is a useful one.
    pub(crate) detail: Option<Window>,
    /// Errors of the methods; `None` without a truth.
    pub(crate) errors: Option<Errors>,
}

impl Page<'_> {
    /// The volume whose grid and unit the page names: the truth or, without one, the first method's volume.
    pub(crate) fn subject(&self) -> Option<&Volume> {
        self.gallery.truth.or(self.gallery.methods.first().map(|(_, volume)| *volume))
    }

    /// Unit of the volumes' values; empty without a volume.
    pub(crate) fn unit(&self) -> &'static str {
        self.subject().map_or("", |volume| volume.quantity.unit())
    }

    /// The report of a method.
    pub(crate) fn method(&self, name: &str) -> Option<&MethodReport> {
        self.report.methods.iter().find(|method| method.name == name)
    }

    /// The key of the same metric over the field of view (the voxels that every view sees), if it was measured.
    pub(crate) fn in_view(&self, key: &str) -> Option<String> {
        let masked = format!("{key}{}", ranking::IN_VIEW);
        let known = self.report.metric_definitions.contains_key(&masked);
        (known || self.report.methods.iter().any(|method| method.metrics.contains_key(&masked))).then_some(masked)
    }

    /// Line style of a method in every chart: 1 for the first.
    pub(crate) fn style(&self, name: &str) -> usize {
        1 + self.report.methods.iter().position(|method| method.name == name).unwrap_or(self.report.methods.len())
    }
}

/// A value with the decimals of its unit, or a dash with the reason why it is missing.
pub(crate) fn value(number: Option<f64>, unit: &str, reason: Option<&str>) -> Markup {
    html! {
        @if let Some(number) = number { (numbers::pretty(&numbers::metric(number, unit))) }
        @else { abbr.missing title=(reason.unwrap_or("not measured")) { (numbers::MISSING) } }
    }
}

/// A metric of a method, or a dash with the reason why it is missing.
pub(crate) fn metric(page: &Page, method: &MethodReport, key: &str) -> Markup {
    let reason = method.reasons.get(key).map(String::as_str);
    value(method.metrics.get(key).copied().flatten(), ranking::unit(page.report, key), reason)
}

/// The classical reconstruction that a method started from, according to its `notes`.
pub(crate) struct Start<'a> {
    /// Name of the algorithm; `classical` if it is unknown.
    pub(crate) algorithm: &'a str,
    figures: Option<&'a serde_json::Map<String, serde_json::Value>>,
    psnr_db: Option<f64>,
}

impl<'a> Start<'a> {
    /// Reads `notes.start` (an object or a name) and `notes.start_psnr_db`; `None` if the method has neither.
    pub(crate) fn of(method: &'a MethodReport) -> Option<Self> {
        let figures = method.notes.get("start").and_then(|note| note.as_object());
        let psnr_db = method.notes.get("start_psnr_db").and_then(serde_json::Value::as_f64);
        let word = method.notes.get("start").and_then(|note| note.as_str());
        if figures.is_none() && psnr_db.is_none() && word.is_none() {
            return None;
        }
        let named = figures.and_then(|figures| figures.get("algorithm")).and_then(|name| name.as_str());
        Some(Self { algorithm: named.or(word).unwrap_or("classical"), figures, psnr_db })
    }

    /// A value of the start: a metric by its key, or `seconds`.
    pub(crate) fn figure(&self, key: &str) -> Option<f64> {
        let own = self.figures.and_then(|figures| figures.get(key)).and_then(serde_json::Value::as_f64);
        own.or(self.psnr_db.filter(|_| key == "psnr_db"))
    }
}
