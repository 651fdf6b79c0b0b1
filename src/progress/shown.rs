//! [`shown`]: makes text from files safe to print on a terminal.

use std::path::Path;

/// Replaces control characters, Unicode line and paragraph separators (U+2028, U+2029) and bidirectional marks, which
/// reorder the text after them (U+202A to U+202E, U+2066 to U+2069, U+200E, U+200F, U+061C), by U+FFFD. Line feeds and
/// tabs stay.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// A path for a message: like [`shown`] but on a single line, so that no file name can imitate a message of the
/// program.
#[must_use]
pub fn place(path: &Path) -> String {
    shown(&path.to_string_lossy()).replace(['\n', '\t'], "\u{fffd}")
}

fn harmless(c: char) -> bool {
    let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    matches!(c, '\n' | '\t') || !(c.is_control() || reorders || matches!(c, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_line() {
        assert_eq!(place(Path::new("a\nerror: b\u{202e}")), "a\u{fffd}error: b\u{fffd}");
    }

    #[test]
    fn neither_escapes_nor_reordering_marks_pass() {
        assert_eq!(
            shown("a\u{1b}[2J\u{9b}b\r\u{202e}c\u{2066}\nd"),
            "a\u{fffd}[2J\u{fffd}b\u{fffd}\u{fffd}c\u{fffd}\nd"
        );
    }
}
