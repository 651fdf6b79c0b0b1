//! How the iterative methods came to their result.

use super::Scene;
use crate::data::{CurvePoint, MethodReport};
use crate::report::figures::axis::Axis;
use crate::report::figures::chart::{Chart, Series};
use maud::{Markup, html};

/// Most charts of further figures.
const MORE: usize = 4;

pub(crate) fn section(scene: &Scene) -> Markup {
    let curves: Vec<&MethodReport> = scene.report.methods.iter().filter(|method| method.curve.len() > 1).collect();
    if curves.is_empty() {
        return html! {};
    }
    let mut names: Vec<&String> = curves.iter().flat_map(|method| method.curve.iter().flat_map(|point| point.figures.keys())).collect();
    names.sort();
    names.dedup();
    let step = |point: &CurvePoint| point.step as f64;
    let loss = |point: &CurvePoint| Some(point.loss);
    html! {
        section #convergence {
            h2 { "Convergence" }
            p { "A loss is in its method's own units: compare how curves fall, not how high they are." }
            div.charts {
                (chart(scene, &curves, "Loss by step", "loss", "step", step, loss).draw())
                (chart(scene, &curves, "Loss by time", "loss", "time [s]", |point| point.seconds, loss).draw())
                @for name in names.into_iter().take(MORE) {
                    @let figure = |point: &CurvePoint| point.figures.get(name).copied();
                    (chart(scene, &curves, &format!("{name} by step"), name, "step", step, figure).draw())
                }
            }
        }
    }
}

fn chart(
    scene: &Scene,
    curves: &[&MethodReport],
    title: &str,
    label: &str,
    along: &str,
    x: impl Fn(&CurvePoint) -> f64,
    y: impl Fn(&CurvePoint) -> Option<f64>,
) -> Chart {
    let of = |method: &MethodReport| method.curve.iter().filter_map(|point| Some([x(point), y(point)?])).collect::<Vec<_>>();
    let series = curves.iter().map(|method| Series { name: method.name.clone(), style: scene.style(&method.name), points: of(method) });
    let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    let heights = series.iter().flat_map(|series| series.points.iter().map(|point| point[1]));
    let y = Axis::fitting(label, heights);
    Chart { title: title.to_string(), x: Axis::linear(along), y, series }
}
