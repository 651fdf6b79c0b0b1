//! Colour bars: the scales of the grey values and of the signed errors.

use super::Page;
use crate::report::figures::colors::diverging;
use crate::report::figures::raster::{PictureLayout, Raster};
use crate::report::figures::window::Window;
use crate::report::numbers::{pretty, significant};
use maud::{Markup, html};

/// Number of grey levels or colours in a bar.
const STEPS: usize = 256;

pub(crate) fn bars(page: &Page) -> Markup {
    let ramp: Vec<f32> = (0..STEPS).map(|i| i as f32 / (STEPS - 1) as f32).collect();
    let layout = PictureLayout::proportional([1, STEPS], [1.0, 1.0]);
    let grey = Raster::grey(&layout, &ramp, |v| (255.0 * v) as u8);
    let color = Raster::rgb(&layout, &ramp, |v| diverging(2.0 * f64::from(v) - 1.0));
    html! {
        div.bars {
            figure.bar {
                figcaption { "Slices [" (page.unit()) "]" }
                img src=(grey.data_uri()) alt="";
                @if let Some(window) = page.window { div.ends.whole { (ends(window)) } }
                @if let Some(window) = page.detail { div.ends.detail { (ends(window)) } }
            }
            @if let Some(errors) = &page.errors { (error_bar(page, errors.range, &color)) }
        }
    }
}

/// The colour bar of the signed errors from −`range` to `range`, and how to read it.
fn error_bar(page: &Page, range: f64, color: &Raster) -> Markup {
    html! {
        figure.bar {
            figcaption { "Signed errors: method − truth [" (page.unit()) "]" }
            img src=(color.data_uri()) alt="";
            div.ends { (marks([-range, 0.0, range], true)) }
        }
        p {
            "Blue is too low, red too high, white is right. One range for all methods: 99 % of the worst method's "
            "voxels are inside it; beyond it the colour stays at the end."
        }
    }
}

fn ends(window: Window) -> Markup {
    marks([window.low, f64::midpoint(window.low, window.high), window.high], false)
}

fn marks(values: [f64; 3], signed: bool) -> Markup {
    let text =
        |value: f64| format!("{}{}", if signed && value > 0.0 { "+" } else { "" }, pretty(&significant(value, 6)));
    html! { @for value in values { span { (text(value)) } } }
}
