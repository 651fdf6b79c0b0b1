//! A picture with its caption. Selecting it enlarges it to the whole window (by the CSS selector `:target`, without a
//! script).

use crate::report::figures::raster::Raster;
use crate::report::numbers::significant;
use maud::{Markup, html};

/// A picture, or the same picture at both grey-value windows, of which the page's style sheet shows one.
pub(crate) enum Picture {
    /// A single picture.
    One(Raster),
    /// The picture at the whole window and at the narrow window.
    Both(Raster, Raster),
}

/// A picture with a caption; `sides` are the orientation letters at its left, right, top and bottom.
pub(crate) fn frame(id: &str, alt: &str, picture: &Picture, sides: Option<[char; 4]>, caption: Markup) -> Markup {
    let (Picture::One(first) | Picture::Both(first, _)) = picture;
    let (width, height) = first.size();
    html! {
        figure.frame id=(id) {
            @let aspect = significant(width as f64 / height as f64, 5);
            a.pic href=(format!("#{id}")) style=(format!("--aspect: {aspect}")) {
                @match picture {
                    Picture::One(only) => img src=(only.data_uri()) alt=(alt) width=(width) height=(height);,
                    Picture::Both(whole, detail) => {
                        img.whole src=(whole.data_uri()) alt=(alt) width=(width) height=(height);
                        @let alt = format!("narrow window: {alt}");
                        img.detail src=(detail.data_uri()) alt=(alt) width=(width) height=(height);
                    }
                }
                @for (side, letter) in ["left", "right", "top", "bottom"].iter().zip(sides.into_iter().flatten()) {
                    span.(*side) { (letter) }
                }
            }
            figcaption id=(format!("{id}-at")) { (caption) }
            a.close href=(format!("#{id}-at")) aria-label="back to the page" { "×" }
        }
    }
}
