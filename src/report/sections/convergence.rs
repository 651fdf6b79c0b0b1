//! How the iterative methods came to their result.

use super::Page;
use crate::data::{CurvePoint, MethodReport};
use crate::report::figures::axis::Axis;
use crate::report::figures::chart::{Chart, Series};
use maud::{Markup, html};

/// Most charts of further figures.
const MORE: usize = 4;
/// The figure of a curve that numbers a method's phases.
const PHASE: &str = "phase";

pub(crate) fn section(page: &Page) -> Markup {
    let curves: Vec<&MethodReport> = page.report.methods.iter().filter(|method| method.curve.len() > 1).collect();
    if curves.is_empty() {
        return html! {};
    }
    let mut names: Vec<&String> =
        curves.iter().flat_map(|method| method.curve.iter().flat_map(|point| point.figures.keys())).collect();
    names.sort();
    names.dedup();
    let phased = names.iter().any(|name| *name == PHASE);
    names.retain(|name| *name != PHASE);
    let step = |point: &CurvePoint| point.step as f64;
    let loss = |point: &CurvePoint| Some(point.loss);
    html! {
        section #convergence {
            h2 { "Convergence" }
            p {
                "A loss is in its method's own units: compare how curves fall, not how high they are. "
                @if phased { "A line is broken where its method goes on to minimise something else (a new phase)." }
            }
            div.charts {
                (chart(page, &curves, "Loss by step", "loss", "step", step, loss).draw())
                (chart(page, &curves, "Loss by time", "loss", "time [s]", |point| point.seconds, loss).draw())
                @for name in names.into_iter().take(MORE) {
                    @let figure = |point: &CurvePoint| point.figures.get(name).copied();
                    (chart(page, &curves, &format!("{name} by step"), name, "step", step, figure).draw())
                }
            }
        }
    }
}

fn chart(
    page: &Page,
    curves: &[&MethodReport],
    title: &str,
    label: &str,
    along: &str,
    x: impl Fn(&CurvePoint) -> f64,
    y: impl Fn(&CurvePoint) -> Option<f64>,
) -> Chart {
    let series = curves.iter().map(|method| Series {
        name: method.name.clone(),
        style: page.style(&method.name),
        points: broken(&method.curve, |point| Some([x(point), y(point)?])),
    });
    let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    let heights = series.iter().flat_map(|series| series.points.iter().map(|point| point[1]));
    let y = Axis::fitting(label, heights);
    Chart { title: title.to_string(), x: Axis::linear(along), y, series }
}

/// The points of a curve, with one that cannot be drawn wherever a new phase begins.
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
