//! One-dimensional searches over the logarithm of a weight. Every function value is a reconstruction, so their number
//! is limited.

use crate::error::Result;

/// Smallest weight that is tried unless a smaller one is configured.
pub(super) const SMALLEST: f64 = 1e-6;
/// Factor between weights while a bracket is searched for.
const STRIDE: f64 = 4.0;
/// Maximum number of reconstructions of a search for a crossing.
const MOST: usize = 14;

/// Weights tried and their function values, in the order tried.
pub(super) type Tried = Vec<(f64, f64)>;

/// Scores weights from `start` downwards by factors of 2, until `patience` of them in a row do not lower the smallest
/// score; then, if `start` was the best, upwards from it while the score falls. Tries at most `most` weights.
pub(super) fn descent(
    [low, high]: [f64; 2],
    start: f64,
    most: usize,
    patience: usize,
    score: &mut dyn FnMut(f64) -> Result<f64>,
) -> Result<()> {
    let start = start.clamp(low, high);
    let (mut best, mut least, mut asked) = (start, score(start)?, 1);
    for (factor, patience) in [(0.5, patience), (2.0, 1)] {
        let (mut weight, mut worse) = (start * factor, 0);
        while asked < most && worse < patience && (low..=high).contains(&weight) {
            let next = score(weight)?;
            asked += 1;
            worse += 1;
            if next < least {
                (best, least, worse) = (weight, next, 0);
            }
            weight *= factor;
        }
        if best != start {
            break;
        }
    }
    Ok(())
}

/// The weight within `[low, high]` at which an increasing function crosses 0, or the end of the range nearest to the
/// crossing. The search starts from the `known` values, else from `first`, with factors of 4, then takes secant steps
/// within the bracket until its ends differ by at most a factor of `accuracy`.
pub(super) fn crossing(
    [low, high]: [f64; 2],
    first: f64,
    accuracy: f64,
    known: Tried,
    function: &mut dyn FnMut(f64) -> Result<f64>,
) -> Result<(f64, Tried)> {
    let (mut tried, mut next) = (known, first.clamp(low, high));
    let most = tried.len() + MOST;
    while tried.len() < most {
        let sorted = by_weight(&tried);
        let below = sorted.iter().rev().find(|(_, value)| *value <= 0.0).copied();
        let above = sorted.iter().find(|(weight, value)| *value > 0.0 && below.is_none_or(|b| *weight > b.0)).copied();
        next = match (below, above) {
            (None, Some((weight, _))) if weight > low => (weight / STRIDE).max(low),
            (Some((weight, _)), None) if weight < high => (weight * STRIDE).min(high),
            (Some(a), Some(b)) if b.0 / a.0 > accuracy => {
                let part = (-a.1 / (b.1 - a.1)).clamp(0.2, 0.8);
                (a.0.ln() + part * (b.0 / a.0).ln()).exp()
            }
            (Some(a), Some(b)) => return Ok(((a.0 * b.0).sqrt(), tried)),
            (Some((weight, _)), None) | (None, Some((weight, _))) => return Ok((weight, tried)),
            (None, None) => next,
        };
        tried.push((next, function(next)?));
    }
    Ok((next, tried))
}

fn by_weight(tried: &Tried) -> Tried {
    let mut sorted = tried.clone();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crossing_is_found_or_its_end() {
        for target in [3e-6, 5e-4, 3e-2f64] {
            let (found, tried) =
                crossing([1e-6, 0.1], 2e-4, 1.2, Tried::new(), &mut |w| Ok(w.sqrt() - target.sqrt())).unwrap();
            assert!((found / target).ln().abs() < 0.2 && tried.len() < 13, "{found} {tried:?}");
        }
        assert_eq!(crossing([1e-6, 0.1], 2e-4, 1.2, Tried::new(), &mut |_| Ok(1.0)).unwrap().0, 1e-6);
        assert_eq!(crossing([1e-6, 0.1], 2e-4, 1.2, Tried::new(), &mut |_| Ok(-1.0)).unwrap().0, 0.1);
    }

    fn asked(target: f64, most: usize, patience: usize, mut bump: impl FnMut(f64) -> f64) -> Vec<f64> {
        let mut asked = Vec::new();
        descent([1e-6, 0.1], 8e-5, most, patience, &mut |w| {
            asked.push(w);
            Ok((w / target).ln().powi(2) + bump(w))
        })
        .unwrap();
        asked
    }

    #[test]
    fn a_descent_stops_beyond_the_least() {
        assert_eq!(asked(2e-5, 5, 1, |_| 0.0), [8e-5, 4e-5, 2e-5, 1e-5]);
        assert_eq!(asked(1.6e-4, 5, 1, |_| 0.0), [8e-5, 4e-5, 1.6e-4, 3.2e-4]);
        assert_eq!(asked(8e-5, 5, 1, |_| 0.0), [8e-5, 4e-5, 1.6e-4]);
        assert_eq!(asked(1e-6, 3, 1, |_| 0.0), [8e-5, 4e-5, 2e-5]);
        assert_eq!(asked(4e-5, 9, 2, |_| 0.0), [8e-5, 4e-5, 2e-5, 1e-5]);
        assert_eq!(*asked(1e-9, 99, 2, |_| 0.0).last().unwrap(), 1.25e-6);
    }

    #[test]
    fn a_descent_with_patience_goes_on_after_one_bad_value() {
        let bump = |w: f64| if (w / 4e-5 - 1.0).abs() < 1e-9 { 9.0 } else { 0.0 };
        assert_eq!(asked(1e-5, 9, 1, bump), [8e-5, 4e-5, 1.6e-4]);
        assert_eq!(asked(1e-5, 9, 2, bump), [8e-5, 4e-5, 2e-5, 1e-5, 5e-6, 2.5e-6]);
    }
}
