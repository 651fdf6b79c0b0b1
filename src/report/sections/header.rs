//! What the run was, in a sentence, and how it ended.

use super::{Page, Start};
use crate::data::{Projections, Source, Status};
use crate::report::{numbers, ranking};
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let report = page.report;
    let seconds: f64 = report.stages.iter().map(|stage| stage.seconds).sum();
    html! {
        header {
            p.kicker { "recon report" }
            h1 { (report.name) }
            p.lead { (what(page)) }
            (banner(report.status))
            @if let Some(sentence) = headline(page) { p.headline { (sentence) } }
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
}

/// The grid and the scan in words.
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

/// Kind of beam.
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
                "Mend the cause and run the same command again: finished stages are not repeated."
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

/// Who is best by the first metric, and by how much.
fn headline(page: &Page) -> Option<String> {
    let key = page.keys.first()?;
    let unit = ranking::unit(page.report, key);
    let ranked = ranking::ranked(page.report, key);
    let [best, next, ..] = ranked.as_slice() else { return None };
    let value = |method: &crate::data::MethodReport| method.metrics.get(key).copied().flatten().unwrap_or(f64::NAN);
    let ahead = (value(best) - value(next)).abs();
    let with_unit = |text: String| if unit.is_empty() { text } else { format!("{text} {unit}") };
    let lead = if ahead == 0.0 {
        format!("level with {}", next.name)
    } else {
        format!("{} ahead of {}", with_unit(numbers::metric(ahead, unit)), next.name)
    };
    let start = Start::of(best)
        .map_or_else(String::new, |start| format!(" It was started from a {} reconstruction.", start.algorithm));
    let score = with_unit(numbers::metric(value(best), unit));
    Some(format!("Best by {}: {} with {score}, {lead}.{start}", ranking::name(key), best.name))
}
