//! The table of contents of the page.

use maud::{Markup, html};

/// A section: the id of its element, its name in the table of contents, its content (empty if the page lacks it).
pub(crate) type Entry = (&'static str, &'static str, Markup);

/// Links to the sections that are not empty; nothing for fewer than three.
pub(crate) fn list(sections: &[Entry]) -> Markup {
    let there: Vec<&Entry> = sections.iter().filter(|(.., markup)| !markup.0.is_empty()).collect();
    html! {
        @if there.len() > 2 {
            nav.contents aria-label="Contents" {
                @for (id, name, _) in there { a href=(format!("#{id}")) { (name) } }
            }
        }
    }
}
