//! [`Chart`]: curves over one pair of axes as an SVG, with the legend as text of the page. Colours and line patterns
//! are classes of the page's style sheet (`s0` is the truth), so that they suit light mode, dark mode and print.

use super::axis::{Axis, Scale};
use crate::report::numbers;
use maud::{Markup, html};

/// Width and height of the drawing, and its margins for the axes (left, right, top, bottom), in SVG units.
const SIZE: [f64; 2] = [640.0, 330.0];
const ROOM: [f64; 4] = [78.0, 14.0, 10.0, 46.0];
/// Number of line colours for methods; further methods use the same colours with another line pattern.
const COLORS: usize = 6;
/// Curves with at most this number of points are drawn with dots.
const FEW: usize = 3;
/// Most points of a drawn curve; more would not be visible at the size of a page.
const POINTS: usize = 1200;

/// A curve.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// Name of the curve in the legend.
    pub(crate) name: String,
    /// Line style: 0 for the truth, 1 and up for the methods.
    pub(crate) style: usize,
    /// Points [x, y]; a point that the axes cannot show (NaN, or not positive on a logarithmic axis) interrupts the
    /// line.
    pub(crate) points: Vec<[f64; 2]>,
}

/// Curves over one pair of axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    /// Title of the chart.
    pub(crate) title: String,
    /// The horizontal axis.
    pub(crate) x: Axis,
    /// Elapsed time as pairs [step, seconds] in ascending order, shown at the top of the chart; may be empty.
    pub(crate) clock: Vec<[f64; 2]>,
    /// The vertical axis.
    pub(crate) y: Axis,
    /// The curves, drawn in this order.
    pub(crate) series: Vec<Series>,
}

impl Chart {
    /// Draws the chart with its title and legend.
    pub(crate) fn draw(&self) -> Markup {
        html! {
            figure.chart {
                figcaption { (self.title) }
                (self.svg())
                ul.legend { @for series in &self.series { li { (swatch(series.style)) (series.name) } } }
            }
        }
    }

    fn svg(&self) -> Markup {
        let [width, height] = SIZE;
        let [left, right, top, bottom] = [ROOM[0], width - ROOM[1], ROOM[2], height - ROOM[3]];
        let x = Scale::of(self.values(0), &self.x, [left, right], 0.0);
        let y = Scale::of(self.values(1), &self.y, [bottom, top], 0.05);
        let label_x = f64::midpoint(left, right);
        let turned = format!("translate(15 {}) rotate(-90)", f64::midpoint(top, bottom));
        html! {
            svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(self.title) {
                (grid(&x, &y, [left, right, top, bottom]))
                @if !self.clock.is_empty() {
                    @for (at, _) in x.marks().into_iter().skip(1) {
                        text.tick x=(tenths(at)) y=(top + 12.0) text-anchor="middle" {
                            (numbers::significant(self.seconds_at(x.value(at)), 2)) " s"
                        }
                    }
                }
                line.axis x1=(left) x2=(right) y1=(bottom) y2=(bottom) {}
                line.axis x1=(left) x2=(left) y1=(top) y2=(bottom) {}
                text.label x=(label_x) y=(height - 8.0) text-anchor="middle" { (self.x.label) }
                text.label transform=(turned) text-anchor="middle" { (self.y.label) }
                @for series in &self.series { (curve(series, &x, &y)) }
            }
        }
    }

    /// Elapsed seconds at a step, interpolated linearly.
    fn seconds_at(&self, step: f64) -> f64 {
        let next = self.clock.iter().position(|[at, _]| *at >= step).unwrap_or(self.clock.len() - 1);
        let [[x0, t0], [x1, t1]] = [self.clock[next.saturating_sub(1)], self.clock[next]];
        if x1 > x0 { t0 + (t1 - t0) * ((step - x0) / (x1 - x0)).clamp(0.0, 1.0) } else { t1 }
    }

    fn values(&self, axis: usize) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(move |series| series.points.iter().map(move |point| point[axis]))
    }
}

/// The grid lines of both axes with the labels of their marks.
fn grid(x: &Scale, y: &Scale, [left, right, top, bottom]: [f64; 4]) -> Markup {
    html! {
        @for (at, label) in x.marks() {
            line.grid x1=(tenths(at)) x2=(tenths(at)) y1=(top) y2=(bottom) {}
            text.tick x=(tenths(at)) y=(bottom + 16.0) text-anchor="middle" { (label) }
        }
        @for (at, label) in y.marks() {
            line.grid x1=(left) x2=(right) y1=(tenths(at)) y2=(tenths(at)) {}
            text.tick x=(left - 7.0) y=(tenths(at + 4.0)) text-anchor="end" { (label) }
        }
    }
}

/// A curve, and its points as dots where they are few.
fn curve(series: &Series, x: &Scale, y: &Scale) -> Markup {
    html! {
        path class=(class(series.style)) d=(path(series, x, y)) {}
        @if series.points.len() <= FEW {
            @for [at, up] in dots(series, x, y) {
                circle class=(class(series.style)) cx=(tenths(at)) cy=(tenths(up)) r="3.5" {}
            }
        }
    }
}

/// Positions of the points of a curve.
fn dots(series: &Series, x: &Scale, y: &Scale) -> Vec<[f64; 2]> {
    series.points.iter().filter_map(|point| Some([x.place(point[0])?, y.place(point[1])?])).collect()
}

/// The SVG path of a curve; a new segment begins after a point that cannot be shown.
fn path(series: &Series, x: &Scale, y: &Scale) -> String {
    let every = series.points.len().div_ceil(POINTS).max(1);
    let last = series.points.len().saturating_sub(1);
    let mut text = String::new();
    let mut pen_down = false;
    for (i, point) in series.points.iter().enumerate() {
        let place = x.place(point[0]).zip(y.place(point[1]));
        if let Some((across, up)) = place {
            if pen_down && i % every != 0 && i != last {
                continue;
            }
            text.push(if pen_down { 'L' } else { 'M' });
            text += &[tenths(across), tenths(up)].map(|v| v.to_string()).join(" ");
        }
        pen_down = place.is_some();
    }
    text
}

/// A short sample of a line style, for legends and tables.
pub(crate) fn swatch(style: usize) -> Markup {
    html! { svg.swatch viewBox="0 0 26 8" aria-hidden="true" { path class=(class(style)) d="M1 4H25" {} } }
}

fn class(style: usize) -> String {
    match style {
        0 => "line s0".to_string(),
        n if n <= COLORS => format!("line s{n}"),
        n => format!("line s{} again", (n - 1) % COLORS + 1),
    }
}

/// Rounds a position to one decimal, which keeps the page small.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(log: bool, points: &[[f64; 2]]) -> Chart {
        let y = Axis { label: "loss".into(), log };
        Chart {
            title: "t".into(),
            x: Axis::linear("step"),
            clock: Vec::new(),
            y,
            series: vec![Series { name: "a".into(), style: 1, points: points.to_vec() }],
        }
    }

    #[test]
    fn curves_reach_from_end_to_end_of_the_axes() {
        let text = chart(false, &[[0.0, 0.0], [10.0, 1.0]]).draw().into_string();
        let height = SIZE[1] - ROOM[2] - ROOM[3];
        let (low, high) = (tenths(SIZE[1] - ROOM[3] - height * 0.05 / 1.1), tenths(ROOM[2] + height * 0.05 / 1.1));
        assert!(text.contains(&format!("d=\"M{} {low}L{} {high}\"", ROOM[0], SIZE[0] - ROOM[1])), "{text}");
    }

    #[test]
    fn seconds_stand_above_the_steps() {
        let clocked =
            Chart { clock: vec![[0.0, 0.0], [5.0, 1.0], [10.0, 9.0]], ..chart(false, &[[0.0, 0.0], [10.0, 1.0]]) };
        assert_eq!([2.5, 7.5, 10.0].map(|step| clocked.seconds_at(step)), [0.5, 5.0, 9.0]);
        let text = clocked.draw().into_string();
        assert!(text.contains(">9 s</text>") && !text.contains(">0 s</text>"), "{text}");
    }

    #[test]
    fn what_a_logarithm_cannot_show_interrupts_the_line() {
        let text = chart(true, &[[0.0, 1.0], [1.0, 0.1], [2.0, 0.0], [3.0, 0.01], [4.0, 0.001]]).draw().into_string();
        assert_eq!(text.matches('M').count() - text.matches("M1 4H25").count(), 2, "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn empty_flat_and_single_curves_are_drawn_without_nan() {
        for points in [&[][..], &[[1.0, 2.0]], &[[1.0, 0.0], [2.0, 0.0]], &[[1.0, f64::NAN]]] {
            for log in [false, true] {
                let text = chart(log, points).draw().into_string();
                assert!(!text.contains("NaN") && !text.contains("inf"), "{points:?} {log}: {text}");
            }
        }
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_ends_and_gaps() {
        let mut points: Vec<[f64; 2]> = (0..100_000).map(|i| [f64::from(i), f64::from(i)]).collect();
        points[50_001] = [f64::NAN; 2];
        let text = chart(false, &points).draw().into_string();
        assert!(text.matches('L').count() < 2 * POINTS);
        assert_eq!(text.matches('M').count() - text.matches("M1 4H25").count(), 2);
        assert!(text.contains(&format!("L{} ", SIZE[0] - ROOM[1])));
    }
}
