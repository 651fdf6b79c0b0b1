//! Held-out pictures: the truth, and each method's rendering from the same camera drawn over it. Pulling the edge of a
//! rendering uncovers the truth (by CSS, without a script).

use super::Page;
use crate::data::Picture;
use crate::formats::pictures;
use crate::report::PicturePair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

pub(crate) fn section(page: &Page) -> Markup {
    let pairs = &page.gallery.pictures;
    if pairs.is_empty() {
        return html! {};
    }
    html! {
        section #pictures {
            h2 { @if page.gallery.projections.is_some() { "Held-out views" } @else { "Held-out pictures" } }
            p {
                @if page.gallery.projections.is_some() {
                    "X-ray views that no method was given: line integrals, 0 is black, the largest held-out one white. "
                } @else {
                    "Cameras that no method has seen. "
                }
                "First the picture itself, then each method over it: pull the lower right corner of a rendering to "
                "uncover the truth behind it."
            }
            @for pair in pairs { (compared(page, pair)) }
        }
    }
}

/// A held-out picture, and each method's rendering drawn over it.
fn compared(page: &Page, pair: &PicturePair) -> Markup {
    html! {
        div.views {
            figure {
                img src=(uri(pair.truth)) alt=(format!("{}: truth", pair.name));
                figcaption { (pair.name) ": truth" }
            }
            @for (method, seen) in &pair.seen {
                figure {
                    div.slider {
                        img src=(uri(pair.truth)) alt=(format!("{}: truth", pair.name));
                        div.over { img src=(uri(seen)) alt=(format!("{}: {method}", pair.name)); }
                    }
                    figcaption { (method) (figures(page, method, pair.name)) }
                }
            }
        }
    }
}

/// A picture as a PNG in a `data:` URI.
fn uri(picture: &Picture) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(pictures::encode(picture)))
}

/// PSNR and SSIM of a method's rendering of a view, from its notes; empty without them.
fn figures(page: &Page, method: &str, view: &str) -> String {
    let notes = page.method(method).and_then(|method| method.notes.get("views")).and_then(|views| views.as_array());
    let own = notes.and_then(|views| views.iter().find(|note| note["view"] == view));
    let number = |key: &str| own.and_then(|note| note[key].as_f64());
    match (number("psnr_db"), number("ssim")) {
        (Some(psnr), Some(ssim)) => format!(": {psnr:.2} dB, SSIM {ssim:.3}"),
        (Some(psnr), None) => format!(": {psnr:.2} dB"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Picture;
    use crate::report::{Gallery, PicturePair, html, samples};

    #[test]
    fn pairs_are_shown_with_their_figures_and_without_a_script() {
        let picture = Picture::new([2, 3], vec![[0.5, 0.25, 1.0, 0.5]; 6]).unwrap();
        let mut report = samples::report();
        let views = serde_json::json!([{"view": "r_3", "psnr_db": 31.234, "ssim": 0.9}]);
        report.methods[0].notes.insert("views".to_string(), views);
        let name = report.methods[0].name.clone();
        let pair = PicturePair { name: "r_3", truth: &picture, seen: vec![(&name, &picture)] };
        let page = html::page(&report, &Gallery { pictures: vec![pair], ..Gallery::default() });
        assert!(page.contains("Held-out pictures") && page.contains("31.23 dB, SSIM 0.900"));
        assert!(page.matches("data:image/png").count() >= 3 && !page.contains("<script"));
    }
}
