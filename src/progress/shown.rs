//! [`shown`]: text of files made safe for a terminal.

use std::path::Path;

/// The text with control characters and marks that reorder what follows them (U+202A to U+202E, U+2066 to U+2069,
/// U+200E, U+200F, U+061C) replaced by U+FFFD. Line breaks and tabs stay.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// A path for a message: as [`shown`], and on one line, so that no file name can look like a line of the program's own.
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
