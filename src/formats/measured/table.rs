//! Lists of numbers, such as angles: `.npy`, or text with numbers between white space or commas, `#` before comments.

use crate::error::{Error, Result};
use crate::formats::npy;
use crate::input_path;
use std::path::Path;

/// Largest text that is read, bytes.
const MAX_BYTES: u64 = 1 << 24;

/// Reads the numbers of a file, in order.
pub(super) fn numbers(path: &Path) -> Result<Vec<f64>> {
    if path.extension().is_some_and(|extension| extension == "npy") {
        return Ok(npy::read_array(path)?.iter().map(|&v| f64::from(v)).collect());
    }
    let text = input_path::read_text(path, MAX_BYTES)?;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty());
        for word in words {
            let value = word.parse::<f64>().ok().filter(|value| value.is_finite());
            found.push(value.ok_or_else(|| {
                Error::input(path, format!("expected a number, got `{word}` in line {}", number + 1))
            })?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_numbers_and_comments_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("angles.txt");
        std::fs::write(&path, "# degrees\n0, 0.5\n1.0 # last\n\n").unwrap();
        assert_eq!(numbers(&path).unwrap(), [0.0, 0.5, 1.0]);
        std::fs::write(&path, "0\n1\ntwo\n").unwrap();
        assert!(numbers(&path).unwrap_err().to_string().contains("`two` in line 3"));
    }
}
