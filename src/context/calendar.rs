//! Current date and time in UTC as text.

use std::time::{SystemTime, UNIX_EPOCH};

/// Current date in UTC, such as `2026-11-23`.
#[must_use]
pub fn today() -> String {
    day(seconds())
}

/// Current time in UTC, to the minute, such as `2026-11-23 09:41 UTC`.
#[must_use]
pub fn now() -> String {
    let seconds = seconds();
    let minutes = seconds / 60;
    format!("{} {:02}:{:02} UTC", day(seconds), minutes / 60 % 24, minutes % 60)
}

/// The date of a number of seconds since 1970-01-01 00:00 UTC.
fn day(seconds: u64) -> String {
    date((seconds / 86_400) as i64)
}

/// Seconds since 1970-01-01 00:00 UTC.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
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
