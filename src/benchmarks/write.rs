//! A table's section of a Markdown file: what stands between `<!-- bench:SUITE -->` and `<!-- /bench:SUITE -->`,
//! nothing else.

use super::table::Table;
use crate::error::{Error, Result};
use crate::formats::atomic;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Replaces the section of the table's suite in a Markdown file; a file without it gets it at its end, a missing file
/// is made.
///
/// # Errors
/// A file that cannot be read or written, a section that begins and does not end.
pub fn section(path: &Path, table: &Table) -> Result<()> {
    let old = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| Error::read(path, &error))?,
    };
    let new =
        replaced(&old, &table.head.suite, &body(table, &today())).map_err(|problem| Error::input(path, problem))?;
    atomic::write(path, new.as_bytes())
}

/// Title, where and when, the tables.
fn body(table: &Table, date: &str) -> String {
    let head = &table.head;
    let title = if head.title.is_empty() { &head.suite } else { &head.title };
    format!("## {title}\n\n`{}`, {}, {date}.\n\n{}", head.command, head.machine, table.markdown())
}

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

/// The day in UTC, such as 2026-11-23.
fn today() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400);
    date(days as i64)
}

/// The date of a number of days since 1970-01-01, by eras of 400 years that begin in March (H. Hinnant,
/// "chrono-compatible low-level date algorithms", 2013).
fn date(days: i64) -> String {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", day - (153 * march + 2) / 5 + 1)
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

    #[test]
    fn days_are_dates() {
        // Python: datetime.date(1970, 1, 1) + datetime.timedelta(days=n)
        for (days, expected) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (20_780, "2026-11-23"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days), expected);
        }
    }
}
