//! Convergence of the iterative methods: quality against time, loss and other quantities by step.

use super::{Page, Start};
use crate::data::{CurvePoint, MethodReport};
use crate::report::figures::axis::Axis;
use crate::report::figures::chart::{Chart, Series};
use crate::report::ranking;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Most charts of quantities other than the loss.
const MORE: usize = 4;
/// Name of the quantity that numbers the phases of a method; the objective changes from phase to phase.
const PHASE: &str = "phase";

pub(crate) fn section(page: &Page) -> Markup {
    let curves: Vec<&MethodReport> = page.report.methods.iter().filter(|method| method.curve.len() > 1).collect();
    let quality = quality(page);
    if curves.is_empty() && quality.is_none() {
        return html! {};
    }
    let points = curves.iter().flat_map(|method| &method.curve);
    let mut names: BTreeSet<&str> = points.flat_map(|point| point.figures.keys()).map(String::as_str).collect();
    let phased = names.remove(PHASE);
    html! {
        section #convergence {
            h2 { "Time and convergence" }
            @if !curves.is_empty() { (explanation(phased)) }
            div.charts {
                @if let Some(quality) = quality { (quality.draw()) }
                @for method in &curves { (panel(page, method).draw()) }
                @for name in names.into_iter().take(MORE) { (further(page, &curves, name).draw()) }
            }
        }
    }
}

/// How to read the curves; `phased` is whether a method has phases.
fn explanation(phased: bool) -> Markup {
    html! {
        p {
            "A loss is in its method's own units: look at how a curve falls and whether it still does at its end. \
             Seconds stand above the steps. "
            @if phased { "A line is broken where its method goes on to minimise something else (a new phase)." }
        }
    }
}

/// The first metric of every method against its run time (s): a point, or a line from the start of the method to its
/// result.
fn quality(page: &Page) -> Option<Chart> {
    let key = page.keys.first()?;
    let series = page.report.methods.iter().filter_map(|method| {
        let end = [method.seconds, method.metrics.get(key).copied().flatten()?];
        let start = Start::of(method).and_then(|start| Some([start.figure("seconds")?, start.figure(key)?]));
        let points = start.into_iter().chain([end]).filter(|[seconds, _]| *seconds > 0.0).collect();
        Some(Series { name: method.name.clone(), style: page.style(&method.name), points })
    });
    let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    if series.len() < 2 {
        return None;
    }
    let (name, unit) = (ranking::name(key), ranking::unit(page.report, key));
    let label = if unit.is_empty() { name.clone() } else { format!("{name} [{unit}]") };
    let seconds = series.iter().flat_map(|series| series.points.iter().map(|point| point[0]));
    let x = Axis::fitting("time [s]", seconds);
    let title = format!("{name} against time, and from its start where a method has one");
    Some(Chart { title, x, clock: Vec::new(), y: Axis::linear(label), series })
}

/// The loss of one method by step, with the elapsed seconds at the top.
fn panel(page: &Page, method: &MethodReport) -> Chart {
    let points = broken(&method.curve, |point| Some([point.step as f64, point.loss]));
    let series = vec![Series { name: method.name.clone(), style: page.style(&method.name), points }];
    Chart {
        title: format!("{}: loss by step", method.name),
        x: Axis::linear("step"),
        clock: method.curve.iter().map(|point| [point.step as f64, point.seconds]).collect(),
        y: Axis::fitting("loss", method.curve.iter().map(|point| point.loss)),
        series,
    }
}

/// The quantity `name` by step, for the curves that contain it.
fn further(page: &Page, curves: &[&MethodReport], name: &str) -> Chart {
    let series = curves.iter().map(|method| Series {
        name: method.name.clone(),
        style: page.style(&method.name),
        points: broken(&method.curve, |point| Some([point.step as f64, *point.figures.get(name)?])),
    });
    let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    let heights = series.iter().flat_map(|series| series.points.iter().map(|point| point[1]));
    let y = Axis::fitting(name, heights);
    Chart { title: format!("{name} by step"), x: Axis::linear("step"), clock: Vec::new(), y, series }
}

/// The points of a curve, with a NaN point wherever a new phase begins, which interrupts the line.
fn broken(curve: &[CurvePoint], place: impl Fn(&CurvePoint) -> Option<[f64; 2]>) -> Vec<[f64; 2]> {
    let phase = |point: &CurvePoint| point.figures.get(PHASE).copied();
    let mut points = Vec::with_capacity(curve.len());
    for (i, point) in curve.iter().enumerate() {
        let begins = i > 0 && phase(point) != phase(&curve[i - 1]);
        points.extend(begins.then_some([f64::NAN; 2]));
        points.extend(place(point));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_interrupts_the_line() {
        let point =
            |step, phase| CurvePoint { step, seconds: 0.0, loss: 1.0, figures: [(PHASE.to_string(), phase)].into() };
        let points =
            broken(&[point(1, 0.0), point(2, 0.0), point(3, 1.0)], |point| Some([point.step as f64, point.loss]));
        assert_eq!(points.len(), 4);
        assert!(points[2][0].is_nan() && points[3][0] == 3.0);
    }
}
