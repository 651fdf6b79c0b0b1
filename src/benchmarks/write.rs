//! Writes a table into its section of a Markdown file, between `<!-- bench:SUITE -->` and `<!-- /bench:SUITE -->`. The
//! rest of the file stays as it is.

use super::table::Table;
use crate::context::calendar;
use crate::error::{Error, Result};
use crate::formats::atomic;
use std::path::Path;

/// Replaces the section of the table's suite in a Markdown file. If the file has no such section, it is added at the
/// end; a missing file is created.
///
/// # Errors
/// A file that cannot be read or written, a section that begins and does not end.
pub fn section(path: &Path, table: &Table) -> Result<()> {
    let old = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| Error::read(path, &error))?,
    };
    let new = replaced(&old, &table.head.suite, &body(table, &calendar::today()))
        .map_err(|problem| Error::input(path, problem))?;
    atomic::write(path, new.as_bytes())
}

/// Text of the section: title, command, machine, date and the tables.
fn body(table: &Table, date: &str) -> String {
    let head = &table.head;
    let title = if head.title.is_empty() { &head.suite } else { &head.title };
    format!("## {title}\n\n`{}`, {}, {date}.\n\n{}", head.command, head.machine, table.markdown())
}

/// The text of a file with the suite's section replaced or added.
fn replaced(text: &str, suite: &str, body: &str) -> std::result::Result<String, String> {
    let (begin, end) = (format!("<!-- bench:{suite} -->"), format!("<!-- /bench:{suite} -->"));
    let section = format!("{begin}\n{}\n{end}", body.trim_end());
    let Some(start) = text.find(&begin) else {
        let gap = if text.is_empty() || text.ends_with("\n\n") { "" } else { "\n" };
        return Ok(format!("{text}{gap}{section}\n"));
    };
    let length = text[start..].find(&end).ok_or_else(|| format!("`{begin}` has no `{end}`"))?;
    Ok(format!("{}{section}{}", &text[..start], &text[start + length + end.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_changes_and_writing_twice_changes_nothing() {
        let text = "# A\n\n<!-- bench:a -->\nold\n<!-- /bench:a -->\n\ntail\n";
        let once = replaced(text, "a", "new\n").unwrap();
        assert_eq!(once, "# A\n\n<!-- bench:a -->\nnew\n<!-- /bench:a -->\n\ntail\n");
        assert_eq!(replaced(&once, "a", "new\n").unwrap(), once);
        let both = replaced(&once, "b", "more").unwrap();
        assert_eq!(both, format!("{once}\n<!-- bench:b -->\nmore\n<!-- /bench:b -->\n"));
        assert_eq!(replaced(&both, "b", "more").unwrap(), both);
        assert_eq!(replaced("", "a", "new").unwrap(), "<!-- bench:a -->\nnew\n<!-- /bench:a -->\n");
        assert!(replaced("<!-- bench:a -->\nold", "a", "new").is_err());
    }
}
