//! A sketch of the scan geometry seen along the patient's axis: source positions, detector and volume. Wrong
//! reconstructions of measured data mostly come from a wrong geometry, which this sketch makes visible.

use crate::data::{Geometry, Grid, Point, Source, add, dot, norm, normalized, scale, sub};
use maud::{Markup, html};

/// Most source positions that are drawn.
const SOURCES: usize = 720;

/// The first view of the sketch; points in world mm.
struct Beam {
    /// Outline of the fan of rays that reach the detector's middle row.
    outline: Vec<Point>,
    /// End points of the detector's middle row.
    detector: [Point; 2],
    /// The focal spot; `None` for a parallel beam.
    focus: Option<Point>,
}

/// Draws the x–y plane in the orientation of an axial image: +x (patient left) to the right, +y (posterior) down.
pub(crate) fn draw(geometry: &Geometry, grid: Option<&Grid>) -> Markup {
    let (beam, sources) = (first_view(geometry, grid), sources(geometry, grid));
    let corners = grid.map_or_else(Vec::new, box_corners);
    let [low, high] = limits(sources.iter().chain(&corners).chain(&beam.outline));
    let size = (high[0] - low[0]).max(high[1] - low[1]).max(1e-3);
    // One SVG unit is 1/500 of the larger side, so that line widths suit a scanner of any size.
    let at = |p: &Point| [0, 1].map(|k| ((30.0 + (p[k] - low[k]) / size * 500.0) * 10.0).round() / 10.0);
    let (width, height) = (60.0 + (high[0] - low[0]) / size * 500.0, 60.0 + (high[1] - low[1]) / size * 500.0);
    let points =
        |points: &[Point]| points.iter().map(|p| at(p).map(|v| v.to_string()).join(",")).collect::<Vec<_>>().join(" ");
    html! {
        svg.sketch viewBox=(format!("0 0 {width:.0} {height:.0}")) role="img" aria-label="The scan seen along the \
         patient's axis" {
            polygon.beam points=(points(&beam.outline)) {}
            polygon.volume points=(points(&corners)) {}
            @for [x, y] in sources.iter().map(at) { circle.source cx=(x) cy=(y) r="2.6" {} }
            polyline.detector points=(points(&beam.detector)) {}
            (letters(width, height))
            @if let Some([x, y]) = beam.focus.as_ref().map(at) { circle.focus cx=(x) cy=(y) r="6" {} }
        }
    }
}

/// The smallest and the largest x and y of points.
fn limits<'a>(points: impl Iterator<Item = &'a Point>) -> [[f64; 2]; 2] {
    points.fold([[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]], |[low, high], p| {
        [[low[0].min(p[0]), low[1].min(p[1])], [high[0].max(p[0]), high[1].max(p[1])]]
    })
}

/// The orientation letters at the sides of a sketch of this size.
fn letters(width: f64, height: f64) -> Markup {
    let letters = [
        (9.0, height / 2.0 + 5.0, "R"),
        (width - 9.0, height / 2.0 + 5.0, "L"),
        (width / 2.0, 15.0, "A"),
        (width / 2.0, height - 5.0, "P"),
    ];
    html! {
        @for (x, y, letter) in letters {
            text.letter x=(format!("{x:.0}")) y=(format!("{y:.0}")) text-anchor="middle" { (letter) }
        }
    }
}

fn first_view(geometry: &Geometry, grid: Option<&Grid>) -> Beam {
    let middle = (geometry.detector.rows as f64 - 1.0) / 2.0;
    let detector = [-0.5, geometry.detector.columns as f64 - 0.5].map(|column| geometry.pixel(0, middle, column));
    match geometry.views[0].source {
        Source::Point(focus) => Beam { outline: vec![focus, detector[0], detector[1]], detector, focus: Some(focus) },
        // The position of a parallel beam's detector along the rays is arbitrary: draw it just outside the volume.
        Source::Direction(direction) => {
            let (along, reach) = (normalized(direction), reach(geometry, grid));
            let depth = dot(sub(geometry.views[0].center, middle_of(grid)), along);
            let far = detector.map(|end| add(end, scale(along, reach - depth)));
            let near = far.map(|end| sub(end, scale(along, 2.0 * reach)));
            Beam { outline: vec![near[0], far[0], far[1], near[1]], detector: far, focus: None }
        }
    }
}

/// The source positions, at most [`SOURCES`] of them; for a parallel beam, points at a fixed distance from the volume's
/// centre in the direction that the rays come from.
fn sources(geometry: &Geometry, grid: Option<&Grid>) -> Vec<Point> {
    let every = geometry.views.len().div_ceil(SOURCES);
    let place = |source| match source {
        Source::Point(point) => point,
        Source::Direction(direction) => sub(middle_of(grid), scale(normalized(direction), reach(geometry, grid))),
    };
    geometry.views.iter().step_by(every).map(|view| place(view.source)).collect()
}

fn middle_of(grid: Option<&Grid>) -> Point {
    grid.map_or([0.0; 3], Grid::center)
}

/// Distance from the centre (mm) at which a parallel beam begins, outside the volume.
fn reach(geometry: &Geometry, grid: Option<&Grid>) -> f64 {
    grid.map_or_else(
        || geometry.detector.columns as f64 * norm(geometry.views[0].u) / 2.0,
        |grid| 1.6 * grid.half_extent(),
    )
}

/// The outline of the volume's middle slice.
fn box_corners(grid: &Grid) -> Vec<Point> {
    let half = [1, 2].map(|k| scale(grid.axes[k], grid.extent()[k] / 2.0));
    [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)]
        .map(|(a, b)| add(grid.center(), add(scale(half[0], a), scale(half[1], b))))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_source_and_the_volume_are_drawn() {
        let grid = Grid::centered([8, 8, 8], [10.0; 3], [0.0; 3]).unwrap();
        let text = draw(&samples::circle(12, 4, 8), Some(&grid)).into_string();
        assert_eq!(text.matches("class=\"source\"").count(), 12);
        // The first source is at +x: at the right end, in the middle of the height.
        assert!(text.contains("class=\"focus\" cx=\"530\" cy=\"280\""), "{text}");
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn very_many_views_are_thinned() {
        let text = draw(&samples::circle(3000, 1, 8), None).into_string();
        assert!(text.matches("class=\"source\"").count() <= SOURCES);
    }
}
