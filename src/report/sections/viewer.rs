//! The section of the viewer, and its volumes and script at the end of the page. If scripts are disabled, the section
//! stays hidden and the pictures of [`super::images`] remain.

use crate::report::viewer::{SCRIPT, Viewer};
use maud::{Markup, PreEscaped, html};

/// The section of the viewer, hidden until the script has filled it.
pub(crate) fn section(viewer: Option<&Viewer>) -> Markup {
    html! {
        @if viewer.is_some() {
            section #viewer hidden aria-labelledby="viewer-title" {
                h2 #viewer-title { "Viewer" }
            }
        }
    }
}

/// The volumes and the script, as `script` elements.
pub(crate) fn data(viewer: Option<&Viewer>) -> Markup {
    html! {
        @if let Some(viewer) = viewer {
            script #viewer-manifest type="application/json" { (PreEscaped(inert(&viewer.manifest))) }
            @for block in &viewer.blocks { script.viewer-volume type="text/plain" { (PreEscaped(block)) } }
            script { (PreEscaped(SCRIPT)) }
        }
    }
}

/// JSON text in which `<`, `>` and `&` are escaped, so that it cannot end the `script` element around it.
fn inert(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_the_element_it_stands_in() {
        let evil = serde_json::json!({"name": "</script><script>alert(1)</script>&"});
        let text = inert(&evil);
        assert!(!text.contains(['<', '>', '&']));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), evil);
    }
}
