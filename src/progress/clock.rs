//! Durations as text.

/// A duration in seconds as `m:ss` or `h:mm:ss`, rounded to the nearest second; a negative one is `0:00`.
#[must_use]
pub fn clock(seconds: f64) -> String {
    let whole = seconds.clamp(0.0, 1e9).round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_shown_only_where_there_are_any() {
        assert_eq!((clock(65.4), clock(7200.0), clock(-1.0)), ("1:05".into(), "2:00:00".into(), "0:00".into()));
    }
}
