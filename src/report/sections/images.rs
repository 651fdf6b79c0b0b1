//! Slices of the truth and of every method, one row each, and their signed errors: all with the same grey-value window
//! and the same range of errors.

use super::bars;
use super::frame::{Picture, frame};
use super::{Page, metric};
use crate::data::Volume;
use crate::report::figures::colors::diverging;
use crate::report::figures::errors::comparable;
use crate::report::figures::plane::{Plane, Slice, obliqueness_deg};
use crate::report::figures::raster::Raster;
use crate::report::figures::window::Window;
use crate::report::{numbers, ranking};
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let (Some(subject), Some(window)) = (page.subject(), page.window) else { return html! {} };
    let planes = Plane::of(&subject.grid);
    // Column widths are proportional to the widths of the planes, so that the whole row has the same scale.
    let widths: Vec<String> =
        planes.iter().map(|plane| format!("{}fr", numbers::significant(plane.width_mm(&subject.grid), 4))).collect();
    html! {
        section #images {
            h2 { "Slices" }
            @if let Some(detail) = page.detail { (switch(page, window, detail)) }
            p { (caption(page, subject, window)) }
            div.gallery.flat[planes.len() == 1] style=(format!("--planes: {}", widths.join(" "))) {
                @if let Some(truth) = page.gallery.truth { (truth_row(page, truth)) } @else { (bars::bars(page)) }
                @for (i, (name, volume)) in page.gallery.methods.iter().enumerate() {
                    (method_row(page, i, name, volume))
                }
            }
        }
    }
}

/// The ends of a window with their unit: `−1000 to 400 HU`.
fn ends(page: &Page, window: Window) -> String {
    let shown = |value: f64| numbers::pretty(&numbers::significant(value, 6));
    format!("{} to {} {}", shown(window.low), shown(window.high), page.unit())
}

/// The choice of the grey-value window: two radio buttons, which the style sheet evaluates without a script.
fn switch(page: &Page, whole: Window, detail: Window) -> Markup {
    html! {
        input #window-whole type="radio" name="window" checked;
        label for="window-whole" { "Whole range: " (ends(page, whole)) }
        input #window-detail type="radio" name="window";
        label for="window-detail" { "Low contrast: " (ends(page, detail)) }
    }
}

fn caption(page: &Page, subject: &Volume, window: Window) -> Markup {
    let [low, high] = Window::QUANTILES.map(|q| numbers::significant(100.0 * q, 3));
    let whose = if page.gallery.truth.is_some() { "the truth" } else { "the first method" };
    let turn = obliqueness_deg(&subject.grid);
    html! {
        "Every slice of every row is shown at one window, "
        span.whole { b { (ends(page, window)) } " (quantiles " (low) " % and " (high) " % of " (whose) "): " }
        @if let Some(detail) = page.detail {
            span.detail {
                b { (ends(page, detail)) } " (around the most common values of " (whose) " that are not air): "
            }
        }
        "the same grey is the same value everywhere. "
        "Letters are patient directions: R right, L left, A anterior, P posterior, S superior, I inferior. "
        @if subject.grid.is_2d() { "The slice is" } @else { "Axial slices are" } " seen from the feet: the patient's \
         left is on the right. "
        "Voxels are drawn as they are, without smoothing; select a picture to enlarge it."
        @if turn > 0.5 {
            " The grid is oblique by up to " (numbers::significant(turn, 2)) "°: slices follow it, letters are the \
             nearest directions."
        }
    }
}

fn truth_row(page: &Page, truth: &Volume) -> Markup {
    html! {
        article.row {
            h3 { "Truth" span.figures { "what was scanned, on the grid of the reconstruction" } }
            div.planes {
                @for &plane in Plane::of(&truth.grid) { (slice_figure(page, "truth", "truth", plane, truth)) }
            }
            (bars::bars(page))
        }
    }
}

fn method_row(page: &Page, index: usize, name: &str, volume: &Volume) -> Markup {
    let truth = page.gallery.truth;
    let error = truth.filter(|truth| comparable(truth, volume)).zip(page.errors.as_ref());
    html! {
        article.row {
            h3 { (name) (figures(page, name)) }
            div.planes {
                @for &plane in Plane::of(&volume.grid) {
                    (slice_figure(page, &format!("m{index}"), name, plane, volume))
                }
            }
            @if let Some((truth, errors)) = error {
                div.planes {
                    @for &plane in Plane::of(&volume.grid) {
                        (error_figure(index, name, plane, [volume, truth], errors.range))
                    }
                }
            } @else if truth.is_some() {
                p.empty { "No error map: this volume is not on the truth's grid." }
            }
        }
    }
}

/// The method's metrics beside its name.
fn figures(page: &Page, name: &str) -> Markup {
    let Some(method) = page.method(name) else { return html! {} };
    html! {
        span.figures {
            @for key in &page.keys {
                span {
                    (ranking::name(key)) " " b { (metric(page, method, key)) } " " (ranking::unit(page.report, key))
                }
            }
            span { (numbers::duration(method.seconds)) }
        }
    }
}

fn slice_figure(page: &Page, id: &str, whose: &str, plane: Plane, volume: &Volume) -> Markup {
    let Some(window) = page.window else { return html! {} };
    let slice = Slice::central(volume, plane);
    let shaded = |window: Window| Raster::grey(&slice.layout(), &slice.values, |v| window.shade(v));
    let picture = match page.detail {
        Some(detail) => Picture::Both(shaded(window), shaded(detail)),
        None => Picture::One(shaded(window)),
    };
    let (axis, place) = slice.position;
    let caption = format!("{}, {axis} = {} mm", plane.name(), numbers::pretty(&format!("{place:.1}")));
    frame(
        &format!("{id}-{}", plane.name()),
        &format!("{whose}, {caption}"),
        &picture,
        Some(slice.sides),
        html! { (caption) },
    )
}

/// The error map `volumes[0]` − `volumes[1]`, with colours from −`range` to +`range`.
fn error_figure(index: usize, whose: &str, plane: Plane, volumes: [&Volume; 2], range: f64) -> Markup {
    let [found, truth] = volumes.map(|volume| Slice::central(volume, plane));
    let error = found.minus(&truth);
    let picture = Picture::One(Raster::rgb(&error.layout(), &error.values, |v| diverging(f64::from(v) / range)));
    let alt = format!("{whose} minus truth, {}", plane.name());
    frame(&format!("e{index}-{}", plane.name()), &alt, &picture, None, html! { (plane.name()) ", error" })
}
