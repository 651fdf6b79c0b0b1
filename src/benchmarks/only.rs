//! [`Only`]: the part of a suite that `--only` asks for.

/// A pattern for `CASE/SETTING/METHOD/`. `*` matches any text, and the pattern may match any part of the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only(Option<String>);

impl Only {
    /// Selects the rows that match the pattern, or all rows without a pattern.
    #[must_use]
    pub fn new(pattern: Option<&str>) -> Self {
        Self(pattern.map(str::to_string))
    }

    /// The pattern, if there is one.
    #[must_use]
    pub fn pattern(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether the row of this case, setting and method is selected.
    #[must_use]
    pub fn takes(&self, case: &str, setting: &str, method: &str) -> bool {
        let Some(pattern) = &self.0 else { return true };
        let text = format!("{case}/{setting}/{method}/");
        let mut rest = text.as_str();
        pattern.split('*').all(|part| {
            let found = rest.find(part);
            rest = found.map_or(rest, |at| &rest[at + part.len()..]);
            found.is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_anywhere_and_stars_match_anything() {
        let takes = |pattern: &str| Only::new(Some(pattern)).takes("2d-parallel", "views-30_noise-1e5", "tv");
        assert!(["tv", "2d", "views-30", "2d*noise-1e5/tv", "/tv/", "*"].into_iter().all(takes));
        assert!(!["siren", "3d", "views-300", "tv*2d", "/t/"].into_iter().any(takes));
        assert!(Only::default().takes("a", "b", "c"));
    }
}
