//! The input of the methods: the geometry of the scan and its projections.

use super::Page;
use super::frame::{Picture, frame};
use super::header::beam;
use crate::data::{Geometry, Orbit, Point, Projections, View, norm};
use crate::report::figures::raster::Raster;
use crate::report::figures::{scan, sketch};
use crate::report::numbers::{pretty, significant, times};
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let Some(projections) = page.gallery.projections else { return html! {} };
    let pictures = scan::pictures(projections);
    let shown = |value: f64| pretty(&significant(value, 3));
    html! {
        section #scan {
            h2 { "The scan" }
            p {
                "Line integrals of attenuation, black " (shown(pictures.window.low)) ", white "
                (shown(pictures.window.high)) "."
            }
            div.scan {
                (sinogram(pictures.sinogram, pictures.row))
                @if let Some(raster) = pictures.projection { (projection(raster, &projections.geometry.views[0])) }
                @if let Some(chart) = scan::curve(projections) { (chart.draw()) }
                (outline(page, projections))
            }
            (facts(projections))
        }
    }
}

/// The sketch of the scan with its caption.
fn outline(page: &Page, projections: &Projections) -> Markup {
    html! {
        figure {
            (sketch::draw(&projections.geometry, page.subject().map(|volume| &volume.grid)))
            figcaption {
                "The scan along the patient's axis, right and left as in the axial slice: the volume (box), "
                (sources(projections)) " and, for the first view, beam and detector"
            }
        }
    }
}

fn sinogram(raster: Raster, row: usize) -> Markup {
    let caption = html! { "Sinogram of detector row " (row) ": views down, columns (u) to the right" };
    frame("sinogram", "sinogram", &Picture::One(raster), None, caption)
}

/// View 0 with the orientation letter of each side, which shows whether the rows were read upside down.
fn projection(raster: Raster, view: &View) -> Markup {
    let [right, up] = [view.u, view.v];
    let back = |direction: Point| direction.map(|part| -part);
    let sides = [back(right), right, up, back(up)].map(letter);
    let caption = html! {
        "View 0: columns (u) to the right, rows (v) up. \u{2191} up is " (letter(up)) ", the last row of the data: if \
         the object stands on its head here, the rows were read the wrong way round (first_row)"
    };
    frame("projection", "first projection", &Picture::One(raster), Some(sides), caption)
}

/// Orientation letter of the patient direction that is closest to a vector in LPS coordinates.
fn letter(direction: Point) -> char {
    let letters = [['R', 'L'], ['A', 'P'], ['I', 'S']];
    let most = (0..3).max_by(|&a, &b| direction[a].abs().total_cmp(&direction[b].abs())).unwrap_or(2);
    letters[most][usize::from(direction[most] > 0.0)]
}

fn sources(projections: &Projections) -> &'static str {
    if beam(projections) == "parallel-beam" {
        "where each view's rays come from (dots)"
    } else {
        "every source position (dots)"
    }
}

fn facts(projections: &Projections) -> Markup {
    let geometry = &projections.geometry;
    let [views, rows, columns] = geometry.shape();
    html! {
        dl.chips {
            (fact("beam", beam(projections)))
            (fact("views", &views.to_string()))
            (fact("detector (rows × columns)", &times(&[rows, columns])))
            (fact("pixel pitch (v, u)", &pitch(geometry)))
            @if let Some(orbit) = &geometry.orbit { (orbit_facts(orbit)) }
        }
    }
}

fn orbit_facts(orbit: &Orbit) -> Markup {
    let degrees = |angle: f64| format!("{}°", pretty(&significant(angle.to_degrees(), 4)));
    let millimetres = |mm: f64| format!("{} mm", significant(mm, 5));
    html! {
        (fact("arc", &degrees(orbit.arc)))
        @if let Some(&first) = orbit.angles.first() { (fact("first angle", &degrees(first))) }
        @if let Some(mm) = orbit.source_to_axis { (fact("source to axis", &millimetres(mm))) }
        @if let Some(mm) = orbit.source_to_detector { (fact("source to detector", &millimetres(mm))) }
        @if orbit.offset != [0.0; 2] {
            @let offset = orbit.offset.map(|mm| pretty(&significant(mm, 4))).join(", ");
            (fact("detector offset (v, u)", &format!("{offset} mm")))
        }
    }
}

fn pitch(geometry: &Geometry) -> String {
    let first = &geometry.views[0];
    let [v, u] = [first.v, first.u].map(|vector| significant(norm(vector), 4));
    if geometry.detector.rows == 1 { format!("{u} mm") } else { format!("{v} × {u} mm") }
}

fn fact(label: &str, value: &str) -> Markup {
    html! { div { dt { (label) } dd { (value) } } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_first_view_says_where_up_is() {
        let mut geometry = samples::circle(3, 4, 6);
        let shown = |geometry: &Geometry| {
            let raster = crate::report::figures::scan::pictures(&samples::projections(geometry.clone())).projection;
            projection(raster.unwrap(), &geometry.views[0]).into_string()
        };
        let upright = shown(&geometry);
        assert!(upright.contains("<span class=\"top\">S</span>") && upright.contains("up is S"), "{upright}");
        assert!(upright.contains("<span class=\"right\">P</span>"), "columns of view 0 run along +y");
        for view in &mut geometry.views {
            view.v = view.v.map(|part| -part);
        }
        assert!(shown(&geometry).contains("up is I"));
    }
}
