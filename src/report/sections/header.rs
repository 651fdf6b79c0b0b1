//! The header of the page: the run in one sentence, its status, the best method.

use super::{Page, Start};
use crate::data::{MethodReport, Projections, Report, Source, Status};
use crate::report::ranking::Better;
use crate::report::{numbers, ranking};
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let report = page.report;
    html! {
        header {
            p.kicker { "recon report" }
            h1 { (report.name) }
            p.lead { (what(page)) }
            (banner(report.status))
            @if let Some(sentences) = headline(page) { (sentences) }
            @for (name, sentence) in learned(page) { p.headline.learned { (name) ": " (sentence) } }
            (facts(report))
        }
    }
}

/// Device, seed, time, and the numbers of methods and warnings.
fn facts(report: &Report) -> Markup {
    let seconds: f64 = report.stages.iter().map(|stage| stage.seconds).sum();
    html! {
        dl.chips {
            div { dt { "device" } dd { (report.device) } }
            div { dt { "seed" } dd { (report.seed) } }
            div { dt { "time" } dd { (numbers::duration(seconds)) } }
            div { dt { "methods" } dd { (report.methods.len()) } }
            div {
                dt { "warnings" }
                dd {
                    @if report.warnings.is_empty() { "none" } @else {
                        a href="#warnings" { (report.warnings.len()) }
                    }
                }
            }
        }
    }
}

/// Name of each method with a learned prior, and its sentence about the prior.
fn learned<'a>(page: &'a Page) -> Vec<(&'a str, &'a str)> {
    let one =
        |method: &'a MethodReport| Some((method.name.as_str(), method.notes.get("learned")?["sentence"].as_str()?));
    page.report.methods.iter().filter_map(one).collect()
}

/// The grid and the scan in one sentence.
fn what(page: &Page) -> String {
    let grid = page.subject().map(|volume| {
        let grid = &volume.grid;
        let (shape, spacing) =
            if grid.is_2d() { (&grid.shape[1..], &grid.spacing[1..]) } else { (&grid.shape[..], &grid.spacing[..]) };
        let name = if grid.is_2d() { "slice of" } else { "volume of" };
        let voxel = if grid.is_2d() { "pixels" } else { "voxels" };
        format!("A {name} {} {voxel} ({} mm)", numbers::times(shape), millimetres(spacing))
    });
    let scan = page.gallery.projections.map(|projections| {
        let [views, rows, columns] = projections.geometry.shape();
        let pixels = if rows == 1 {
            format!("{columns} pixels")
        } else {
            format!("{} pixels", numbers::times(&[rows, columns]))
        };
        format!("{views} {} projections of {pixels}", beam(projections))
    });
    match (grid, scan) {
        (Some(grid), Some(scan)) => format!("{grid} from {scan}."),
        (Some(only), None) | (None, Some(only)) => format!("{only}."),
        (None, None) => "No volume and no projections were made.".to_string(),
    }
}

fn millimetres(spacing: &[f64]) -> String {
    let texts: Vec<String> = spacing.iter().map(|&s| numbers::significant(s, 3)).collect();
    if texts.iter().all(|text| *text == texts[0]) { texts[0].clone() } else { texts.join(" × ") }
}

/// Beam geometry: `parallel-beam`, `fan-beam` (a single detector row) or `cone-beam`.
pub(crate) fn beam(projections: &Projections) -> &'static str {
    let geometry = &projections.geometry;
    match (geometry.views[0].source, geometry.detector.rows) {
        (Source::Direction(_), _) => "parallel-beam",
        (Source::Point(_), 1) => "fan-beam",
        (Source::Point(_), _) => "cone-beam",
    }
}

fn banner(status: Status) -> Markup {
    match status {
        Status::Complete => html! {},
        Status::Failed | Status::Diverged => html! {
            div.banner.failed role="status" {
                strong { "This run failed. " } "Shown is what was finished before; it is no complete result. "
                "Fix the cause and run the same command again: finished stages are not repeated."
            }
        },
        Status::Interrupted => html! {
            div.banner.interrupted role="status" {
                strong { "This run was stopped before its end. " } "Shown is what was finished until then. "
                "Run the same command again to continue."
            }
        },
    }
}

/// The best method by the first metric and its lead, and the gain of each method over its own start with the time for
/// it.
fn headline(page: &Page) -> Option<Markup> {
    let key = page.keys.first()?;
    let ranked = ranking::ranked(page.report, key);
    let best = best(page, key, &ranked);
    let fits: Vec<String> = page.report.methods.iter().filter_map(|method| gain(page, key, method)).collect();
    if best.is_none() && fits.is_empty() {
        return None;
    }
    Some(html! {
        @if let Some(best) = best { p.headline { (best) } }
        @for fit in fits { p.headline { (fit) } }
    })
}

fn figure(page: &Page, key: &str, value: f64) -> String {
    let unit = ranking::unit(page.report, key);
    let text = numbers::pretty(&numbers::metric(value, unit));
    if unit.is_empty() { text } else { format!("{text} {unit}") }
}

fn best(page: &Page, key: &str, ranked: &[&MethodReport]) -> Option<String> {
    let [best, next, ..] = ranked else { return None };
    let value = |method: &MethodReport| method.metrics.get(key).copied().flatten().unwrap_or(f64::NAN);
    let ahead = (value(best) - value(next)).abs();
    let lead = if ahead == 0.0 {
        format!("level with {}", next.name)
    } else {
        format!("{} ahead of {}", figure(page, key, ahead), next.name)
    };
    Some(format!("Best by {}: {} with {}, {lead}.", ranking::name(key), best.name, figure(page, key, value(best))))
}

/// The gain of a method by the metric `key` over the reconstruction that it started from, and the time for it.
fn gain(page: &Page, key: &str, method: &MethodReport) -> Option<String> {
    let start = Start::of(method)?;
    let (before, after) = (start.figure(key)?, method.metrics.get(key).copied().flatten()?);
    let gained = if ranking::better(key)? == Better::Higher { after - before } else { before - after };
    let (name, from) = (&method.name, start.algorithm);
    let spent = match start.figure("seconds") {
        Some(seconds) => format!("in {} of additional time", numbers::duration((method.seconds - seconds).max(0.0))),
        None => format!("in {} including the start", numbers::duration(method.seconds)),
    };
    let metric = ranking::name(key);
    Some(if gained < 0.0 {
        let lost = figure(page, key, -gained);
        format!("{name} is worse than its start: it lost {lost} of {metric} {spent}. Take {from}.")
    } else {
        let gained = figure(page, key, gained);
        format!(
            "{name} gained {gained} of {metric} over its own start ({from}, {}) {spent}.",
            figure(page, key, before)
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::report::{Gallery, samples};

    /// The headline of the made-up run whose `siren` ended at `psnr` from a start of 31.87 dB.
    fn ended_at(psnr: f64) -> String {
        let mut report = samples::report();
        report.methods[1].metrics.insert("psnr_db".into(), Some(psnr));
        crate::report::html::page(&report, &Gallery::default())
    }

    #[test]
    fn a_gain_names_the_start_and_the_time_it_cost() {
        let page = ended_at(33.52);
        let gain = "siren gained 1.65 dB of PSNR over its own start (tv, 31.87 dB) in 2 min 31 s of additional time.";
        assert!(page.contains(gain));
    }

    #[test]
    fn a_learned_prior_is_named_at_the_top() {
        let mut report = samples::report();
        report.methods[1].notes.insert("learned".into(), serde_json::json!({"sentence": "A learned prior was used."}));
        let page = crate::report::html::page(&report, &Gallery::default());
        assert!(page.contains("siren: A learned prior was used."));
    }

    #[test]
    fn a_fit_that_lost_says_so_and_what_to_take() {
        let page = ended_at(31.37);
        assert!(page.contains("siren is worse than its start: it lost 0.50 dB of PSNR"), "{page}");
        assert!(page.contains("Take tv.") && page.contains("Best by PSNR: tv with 31.87 dB"));
    }
}
