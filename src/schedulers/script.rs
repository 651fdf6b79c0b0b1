//! Text of shell scripts.

use super::Array;

/// Quotes a word for a shell, if it needs quotes.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The program with its first arguments, quoted for a shell.
pub(super) fn program(array: &Array) -> String {
    array.program.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Ascending numbers as ranges: `0-3,7` for `[0, 1, 2, 3, 7]`.
pub(super) fn ranges(numbers: &[usize]) -> String {
    let parts = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_program_as_they_are_and_numbers_are_ranges() {
        assert_eq!(quoted("/data/a_b-1.sif"), "/data/a_b-1.sif");
        assert_eq!(quoted("it's $HOME; rm"), r"'it'\''s $HOME; rm'");
        assert_eq!(quoted(""), "''");
        assert_eq!(ranges(&[0, 1, 2, 3, 7, 9, 10]), "0-3,7,9-10");
        assert_eq!(ranges(&[]), "");
    }
}
