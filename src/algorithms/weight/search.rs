//! One-dimensional searches over the logarithm of a weight: every function value is a reconstruction, so they count
//! them.

use crate::error::Result;

/// First step of the bracket, a factor of the weight.
const STRIDE: f64 = 4.0;
/// Reconstructions a search spends at most.
const MOST: usize = 14;

/// The weights asked for and what came of them, in order.
pub(super) type Tried = Vec<(f64, f64)>;

/// The least of a score over `[low, high]`: a bracket by factors of 4 from `first`, then parabolas through the
/// logarithms of the three best, until the best three lie within a factor of `accuracy`² of each other. Brent 1973, ch.
/// 5, without its safeguards: the score is smooth.
pub(super) fn minimum(
    [low, high]: [f64; 2],
    first: f64,
    accuracy: f64,
    score: &mut dyn FnMut(f64) -> Result<f64>,
) -> Result<(f64, Tried)> {
    let mut tried = Tried::new();
    let first = first.clamp(low, high);
    let mut ask = |weight: f64, tried: &mut Tried| -> Result<()> {
        tried.push((weight, score(weight)?));
        Ok(())
    };
    // From large to small: a smooth volume is the better start.
    ask((first * STRIDE).min(high), &mut tried)?;
    ask(first, &mut tried)?;
    while tried.len() < MOST {
        let sorted = by_weight(&tried);
        let at = best(&sorted);
        let next = match (at.checked_sub(1).map(|i| sorted[i]), sorted[at], sorted.get(at + 1).copied()) {
            (None, (weight, _), _) if weight > low => (weight / STRIDE).max(low),
            (_, (weight, _), None) if weight < high => (weight * STRIDE).min(high),
            (Some(left), middle, Some(right)) if right.0 / left.0 > accuracy * accuracy => vertex(left, middle, right),
            _ => break,
        };
        ask(next, &mut tried)?;
    }
    let sorted = by_weight(&tried);
    let at = best(&sorted);
    let weight = match (at.checked_sub(1).map(|i| sorted[i]), sorted.get(at + 1)) {
        (Some(left), Some(right)) => parabola(left, sorted[at], *right).unwrap_or(sorted[at].0),
        _ => sorted[at].0,
    };
    Ok((weight, tried))
}

/// Weights about `first`, by factors of 2: downwards while the score falls, else upwards, at most `most` of them.
pub(super) fn about(
    [low, high]: [f64; 2],
    first: f64,
    most: usize,
    score: &mut dyn FnMut(f64) -> Result<f64>,
) -> Result<()> {
    let first = first.clamp(low, high);
    let (mut weight, mut least, mut asked) = (first, score(first)?, 1);
    for factor in [0.5, 2.0] {
        while asked < most && (low..=high).contains(&(weight * factor)) {
            let next = score(weight * factor)?;
            asked += 1;
            if next >= least {
                break;
            }
            (weight, least) = (weight * factor, next);
        }
        if weight != first {
            break;
        }
    }
    Ok(())
}

/// Where an increasing function crosses 0 within `[low, high]` (or the end it stays short of), from what is `known` of
/// it or else from `first`: steps of factors of 4, then secants kept within the bracket, until that is within a factor
/// of `accuracy`.
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

fn best(sorted: &Tried) -> usize {
    (0..sorted.len()).fold(0, |best, i| if sorted[i].1 < sorted[best].1 { i } else { best })
}

/// The lowest point of the parabola through three points over log w, the middle one lowest.
fn parabola(left: (f64, f64), middle: (f64, f64), right: (f64, f64)) -> Option<f64> {
    let (a, b) = ((left.0 / middle.0).ln(), (right.0 / middle.0).ln());
    let (slope_a, slope_b) = ((left.1 - middle.1) / a, (right.1 - middle.1) / b);
    let curvature = (slope_b - slope_a) / (b - a);
    let at = -(slope_a - curvature * a) / (2.0 * curvature);
    (curvature > 0.0 && at > a && at < b).then(|| middle.0 * at.exp())
}

/// The next weight to ask for: the parabola's lowest point, but well apart from what is known, and in the wider half
/// where it is not.
fn vertex(left: (f64, f64), middle: (f64, f64), right: (f64, f64)) -> f64 {
    let (a, b) = ((left.0 / middle.0).ln(), (right.0 / middle.0).ln());
    let guess = parabola(left, middle, right).map_or(0.0, |weight| (weight / middle.0).ln());
    let at = if guess.abs() > 0.1 * (b - a) {
        guess.clamp(0.8 * a, 0.8 * b)
    } else if b > -a {
        0.4 * b
    } else {
        0.4 * a
    };
    middle.0 * at.exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_is_found_from_either_side_in_few_values() {
        for target in [3e-6, 5e-5, 2e-4, 7e-4, 2e-2f64] {
            let mut score = |w: f64| Ok(5.0 + (w / target).ln().powi(2) + 0.1 * (w / target).ln().powi(3).abs());
            let (found, tried) = minimum([1e-6, 0.1], 2e-4, 1.5, &mut score).unwrap();
            assert!((found / target).ln().abs() < 0.15, "{target}: {found} {tried:?}");
            assert!(tried.len() <= 11, "{tried:?}");
        }
    }

    #[test]
    fn a_score_that_only_falls_ends_at_the_end() {
        assert_eq!(minimum([1e-5, 1e-2], 2e-4, 1.5, &mut |w| Ok(w)).unwrap().0, 1e-5);
        assert_eq!(minimum([1e-5, 1e-2], 2e-4, 1.5, &mut |w| Ok(-w)).unwrap().0, 1e-2);
    }

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

    #[test]
    fn a_search_about_a_weight_goes_downhill_and_stops_beyond_the_least() {
        let ask = |target: f64, most: usize| {
            let mut asked = Vec::new();
            about([1e-6, 0.1], 8e-5, most, &mut |w| {
                asked.push(w);
                Ok((w / target).ln().powi(2))
            })
            .unwrap();
            asked
        };
        assert_eq!(ask(2e-5, 5), [8e-5, 4e-5, 2e-5, 1e-5]);
        assert_eq!(ask(1.6e-4, 5), [8e-5, 4e-5, 1.6e-4, 3.2e-4]);
        assert_eq!(ask(8e-5, 5), [8e-5, 4e-5, 1.6e-4]);
        assert_eq!(ask(1e-6, 3), [8e-5, 4e-5, 2e-5]);
    }
}
