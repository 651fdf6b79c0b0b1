//! Checks of single numbers in a configuration. The key of an error is relative to the part that holds the number: the
//! caller that checks the part prepends its own key ([`Error::under`](crate::error::Error::under)), and
//! [`Kinds::named`](crate::registry::Kinds::named) prepends the name of the kind.

use crate::error::{Error, Result};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Refuses a number that is not finite or not above 0.
///
/// # Errors
/// [`Error::Config`] at `key`.
pub fn positive(key: &str, value: f64) -> Result<()> {
    holds(value.is_finite() && value > 0.0, key, "a positive number", value)
}

/// Refuses a number that is not finite or below 0.
///
/// # Errors
/// [`Error::Config`] at `key`.
pub fn not_negative(key: &str, value: f64) -> Result<()> {
    holds(value.is_finite() && value >= 0.0, key, "0 or more", value)
}

/// Refuses a number that is not above 0 and at most 1.
///
/// # Errors
/// [`Error::Config`] at `key`.
pub fn share(key: &str, value: f64) -> Result<()> {
    holds(value > 0.0 && value <= 1.0, key, "above 0 and at most 1", value)
}

/// Refuses a number outside of a range.
///
/// # Errors
/// [`Error::Config`] at `key`.
pub fn within<T: PartialOrd + Display>(key: &str, value: T, range: RangeInclusive<T>) -> Result<()> {
    holds(range.contains(&value), key, &format!("{} to {}", range.start(), range.end()), value)
}

/// Refuses a count of 0.
///
/// # Errors
/// [`Error::Config`] at `key`.
pub fn at_least_one(key: &str, value: u64) -> Result<()> {
    holds(value >= 1, key, "at least 1", value)
}

/// Refuses `found` unless the condition `holds` is true; the error says what was `expected`.
///
/// # Errors
/// [`Error::Config`] at `key`.
pub fn holds(holds: bool, key: &str, expected: &str, found: impl Display) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::config(key, format!("expected {expected}, got {found}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_what_was_expected() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(positive("rate", bad).is_err());
        }
        assert!(not_negative("weight", 0.0).is_ok() && not_negative("weight", f64::NAN).is_err());
        let error = within("depth", 33, 1..=32).unwrap_err().to_string();
        assert_eq!(error, "depth: expected 1 to 32, got 33");
        assert_eq!(at_least_one("steps", 0).unwrap_err().to_string(), "steps: expected at least 1, got 0");
    }
}
