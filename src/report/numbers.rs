//! Formatting of numbers for reports: decimals by unit, durations, sizes, axis labels.

/// Text for a missing number.
pub(crate) const MISSING: &str = "–";

/// A metric's value with decimals by unit: 2 for dB, 1 for HU, 4 for dimensionless values; otherwise 4 significant
/// digits.
pub(crate) fn metric(value: f64, unit: &str) -> String {
    match unit {
        "dB" => format!("{value:.2}"),
        "HU" => format!("{value:.1}"),
        "" | "1" => format!("{value:.4}"),
        _ => significant(value, 4),
    }
}

/// `value` with about `digits` significant digits: in exponential notation below 1e-4 and from 1e6, otherwise as a
/// decimal number without trailing zeros; [`MISSING`] if it is not finite.
pub(crate) fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_string() } else { MISSING.to_string() };
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-4..6).contains(&magnitude) {
        return format!("{value:.*e}", (digits - 1).max(0) as usize);
    }
    let text = format!("{value:.*}", (digits - 1 - magnitude).max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// A duration in seconds as text: `0.42 s`, `12.3 s`, `3 min 12 s`, `1 h 02 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.abs();
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ if seconds < 99.95 => format!("{seconds:.1} s"),
        ..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A number of bytes as text: `740 MiB`, `1.25 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1000.0 {
        format!("{} MiB", significant(mebibytes, 3))
    } else {
        format!("{:.2} GiB", mebibytes / 1024.0)
    }
}

/// Replaces the hyphen of a negative number by a typographic minus sign, and removes it from zero. For pages only:
/// programs cannot parse the result.
pub(crate) fn pretty(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(rest) if rest.contains(|c| matches!(c, '1'..='9')) => format!("\u{2212}{rest}"),
        Some(zero) => zero.to_string(),
        None => number.to_string(),
    }
}

/// Counts joined by multiplication signs: `64 × 64 × 64`.
pub(crate) fn times(counts: &[usize]) -> String {
    counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_mean_something() {
        assert_eq!(significant(1234.5678, 4), "1235");
        assert_eq!(significant(0.012_345, 3), "0.0123");
        assert_eq!(significant(2.5, 4), "2.5");
        assert_eq!(significant(-3.0e-9, 2), "-3.0e-9");
        assert_eq!(significant(100_000.0, 3), "100000");
        assert_eq!(significant(0.0, 3), "0");
        assert_eq!(metric(35.218, "dB"), "35.22");
        assert_eq!(pretty("-1000"), "\u{2212}1000");
        assert_eq!(pretty("-0.00"), "0.00");
    }

    #[test]
    fn durations_and_sizes_change_their_unit() {
        assert_eq!(duration(0.421), "0.42 s");
        assert_eq!(duration(-0.0), "0.00 s");
        assert_eq!(duration(59.96), "60.0 s");
        assert_eq!(duration(192.4), "3 min 12 s");
        assert_eq!(duration(3_725.0), "1 h 02 min");
        assert_eq!(size(775_946_240), "740 MiB");
        assert_eq!(size(1_342_177_280), "1.25 GiB");
    }
}
