//! [`matches()`]: the paths that a glob pattern matches, with the text that each of its stars matches.

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The existing paths that a pattern matches, sorted by name at each level, each with the texts that the stars match. A
/// pattern that begins with `/` is absolute, others are relative to `folder`. `*` matches any text within one name, `?`
/// one character. A name that begins with a dot is matched only by a part of the pattern that begins with a dot. Bytes
/// of a name that are not UTF-8 count as the character `\u{fffd}`.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn matches(folder: &Path, pattern: &str) -> Result<Vec<(PathBuf, Vec<String>)>> {
    let root = if pattern.starts_with('/') { PathBuf::from("/") } else { folder.to_path_buf() };
    let mut found = vec![(root, Vec::new())];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for (path, stars) in found {
            next.extend(
                below(&path, part)?.into_iter().map(|(name, more)| (path.join(name), [stars.clone(), more].concat())),
            );
        }
        found = next;
    }
    Ok(found)
}

/// The names in a folder that one part of a pattern (between two `/`) matches, with the texts that its stars match.
fn below(folder: &Path, part: &str) -> Result<Vec<(OsString, Vec<String>)>> {
    if !part.contains(['*', '?']) {
        return Ok(if folder.join(part).exists() { vec![(part.into(), Vec::new())] } else { Vec::new() });
    }
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let pattern: Vec<char> = part.chars().collect();
    let unreadable = |error| Error::read(folder, &error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let text: Vec<char> = name.to_string_lossy().chars().collect();
        let hidden = text.starts_with(&['.']) && !part.starts_with('.');
        names.extend(stars(&pattern, &text).filter(|_| !hidden).map(|stars| (name, stars)));
    }
    names.sort();
    Ok(names)
}

/// The texts that the stars of a pattern match, the first text as long as possible; `None` if the pattern does not
/// match.
fn stars(pattern: &[char], text: &[char]) -> Option<Vec<String>> {
    match pattern.split_first() {
        None => text.is_empty().then(Vec::new),
        Some(('*', rest)) => (0..=text.len()).rev().find_map(|length| {
            let mut after = stars(rest, &text[length..])?;
            after.insert(0, text[..length].iter().collect());
            Some(after)
        }),
        Some((first, rest)) => {
            let (head, tail) = text.split_first()?;
            (*first == '?' || first == head).then(|| stars(rest, tail)).flatten()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_in_a_name() {
        let of = |pattern: &str, text: &str| {
            stars(&pattern.chars().collect::<Vec<char>>(), &text.chars().collect::<Vec<char>>())
        };
        assert_eq!(of("*.nii.gz", "a.b.nii.gz").unwrap(), ["a.b"]);
        assert_eq!(of("s?b-*_*", "sub-1_2_3").unwrap(), ["1_2", "3"]);
        assert_eq!((of("a*", "b"), of("a", "ab"), of("*", "")), (None, None, Some(vec![String::new()])));
    }
}
