//! Positions and labels of the tick marks of an axis.

use crate::report::numbers::{pretty, significant};

/// Most tick marks on an axis.
const MOST: f64 = 7.0;

/// The smallest 1, 2 or 5 times a power of ten that is at least `step` (positive and finite).
pub(crate) fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let part = step / power;
    // The tolerance absorbs the rounding error of the logarithm at exact powers of ten.
    let part = [1.0, 2.0, 5.0].into_iter().find(|&p| part <= p * (1.0 + 1e-9)).unwrap_or(10.0);
    part * power
}

/// Value and label of the tick marks of a linear axis from `low` to `high`.
pub(crate) fn linear(low: f64, high: f64) -> Vec<(f64, String)> {
    let step = nice((high - low) / MOST);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    let label = |value: f64| {
        let plain = value == 0.0 || (1e-4..1e6).contains(&low.abs().max(high.abs()));
        let text = if plain { format!("{value:.decimals$}") } else { significant(value, 3) };
        pretty(if text.trim_start_matches(['-', '0', '.']).is_empty() { "0" } else { &text })
    };
    (first..=last).map(|i| i as f64 * step).map(|value| (value, label(value))).collect()
}

/// Value and label of the tick marks of a logarithmic axis from `low` to `high` (both positive): powers of ten, over at
/// most two decades also 2 and 5 times these.
pub(crate) fn logarithmic(low: f64, high: f64) -> Vec<(f64, String)> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = f64::from(last - first);
    let every = (decades / MOST).ceil().max(1.0) as usize;
    let parts: &[u8] = if decades <= 2.0 { &[1, 2, 5] } else { &[1] };
    let inside = |value: f64| value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9);
    let marks = (first..=last).step_by(every).flat_map(|power| parts.iter().map(move |&part| (part, power)));
    marks
        .map(|(part, power)| (f64::from(part) * 10f64.powi(power), power_label(part, power)))
        .filter(|(value, _)| inside(*value))
        .collect()
}

/// Label of `part` times ten to the `power`: `0.05`, `20`, `10⁻⁷`, `2·10⁻⁷`.
fn power_label(part: u8, power: i32) -> String {
    match power {
        0..=3 => format!("{:.0}", f64::from(part) * 10f64.powi(power)),
        -3..0 => format!("{:.*}", power.unsigned_abs() as usize, f64::from(part) * 10f64.powi(power)),
        _ => {
            let raised: String = power.to_string().chars().map(raise).collect();
            if part == 1 { format!("10{raised}") } else { format!("{part}·10{raised}") }
        }
    }
}

fn raise(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(marks: Vec<(f64, String)>) -> Vec<String> {
        marks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn steps_are_one_two_or_five() {
        assert_eq!([0.9, 1.0, 1.1, 3.0, 7.0, 0.03].map(nice), [1.0, 1.0, 2.0, 5.0, 10.0, 0.05]);
    }

    #[test]
    fn linear_marks_are_round() {
        assert_eq!(labels(linear(-1000.0, 400.0)), ["−1000", "−800", "−600", "−400", "−200", "0", "200", "400"]);
        assert_eq!(labels(linear(0.0, 0.3)), ["0", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30"]);
    }

    #[test]
    fn logarithmic_marks_name_their_power() {
        assert_eq!(labels(logarithmic(0.02, 0.9)), ["0.02", "0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(labels(logarithmic(1e-7, 1e-1)), ["10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1"]);
        assert!(logarithmic(1e-300, 1e300).len() < 10);
    }
}
