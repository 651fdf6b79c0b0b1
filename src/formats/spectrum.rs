//! X-ray spectra as CSV tables: one `keV,photons` pair per line, `#` comments, at most one line of column titles.

use crate::error::{Error, Result};
use crate::input_path;
use std::path::Path;

/// Largest table that is read, bytes.
const LARGEST: u64 = 1 << 20;

/// Reads the rows `[keV, photons]` of a table, in the order of the file.
///
/// # Errors
/// A file that cannot be read, more than 1 MiB, a line that is not two finite numbers (with its number), no rows.
pub fn read(path: &Path) -> Result<Vec<[f64; 2]>> {
    let text = input_path::read_text(path, LARGEST)?;
    let mut rows = Vec::new();
    let mut titles = 0;
    for (number, line) in text.lines().enumerate().map(|(k, line)| (k + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match pair(line) {
            Some(row) => rows.push(row),
            None if rows.is_empty() && titles == 0 && line.starts_with(char::is_alphabetic) => titles += 1,
            None => return Err(Error::input(path, format!("line {number}: expected `keV,photons`, got `{line:.60}`"))),
        }
    }
    if rows.is_empty() {
        return Err(Error::input(path, "expected lines `keV,photons`, got none"));
    }
    Ok(rows)
}

fn pair(line: &str) -> Option<[f64; 2]> {
    let numbers: Option<Vec<f64>> = line.split([',', ';', '\t']).map(|word| word.trim().parse().ok()).collect();
    <[f64; 2]>::try_from(numbers?).ok().filter(|row| row.iter().all(|value| value.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_faults_are_named_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            let path = folder.path().join("s.csv");
            std::fs::write(&path, text).unwrap();
            read(&path).map_err(|error| error.to_string())
        };
        assert_eq!(of("# a tube\nkeV,photons\n20, 1e3\n\n30;2\n").unwrap(), vec![[20.0, 1e3], [30.0, 2.0]]);
        assert!(of("keV,photons\n20,1\n30\n").unwrap_err().contains("line 3"));
        assert!(of("20,nan\n").unwrap_err().contains("line 1"));
        assert!(of("20,1,2\n").unwrap_err().contains("line 1"));
        assert!(of("keV,photons\n").unwrap_err().contains("none"));
        assert!(of("").unwrap_err().contains("none"));
    }
}
