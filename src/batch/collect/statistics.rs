//! Paired differences between two methods over the cases: mean, bootstrap interval and p-value of Wilcoxon's test.

use crate::jobs::Spread;
use crate::random::stream;
use rand::RngExt;
use serde::Serialize;

/// Number of resamples of the bootstrap, which `table.html` also states.
const RESAMPLES: usize = 2000;
/// Largest number of differences for which Wilcoxon's test counts every assignment of signs.
const EXACT: usize = 50;

/// Differences of one metric between two methods on the same cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Paired {
    /// Number of cases in which both methods have a value.
    pub count: usize,
    /// Mean difference; null without a case.
    pub mean: Option<f64>,
    /// Lower and upper end of the 95 % interval of the mean, from the percentiles of 2,000 bootstrap resamples of the
    /// cases; null with fewer than two cases.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p-value of Wilcoxon's signed-rank test without the cases whose difference is 0; null if no case is
    /// left or a difference is not finite.
    pub wilcoxon_p: Option<f64>,
}

impl Paired {
    /// The statistics of these differences.
    #[must_use]
    pub fn of(differences: &[f64]) -> Self {
        Self {
            count: differences.len(),
            mean: Spread::of(differences).mean,
            interval: (differences.len() > 1).then(|| interval(differences)),
            wilcoxon_p: wilcoxon(differences),
        }
    }
}

/// The 2.5th and 97.5th percentile of the means of bootstrap resamples. The random numbers are seeded, so that the same
/// differences give the same interval on any machine.
fn interval(differences: &[f64]) -> [f64; 2] {
    let mut random = stream(0, "bootstrap", differences.len() as u64);
    let count = differences.len();
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..count).map(|_| differences[random.random_range(0..count)]).sum::<f64>() / count as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |part: f64| means[((RESAMPLES - 1) as f64 * part).round() as usize];
    [at(0.025), at(0.975)]
}

/// Two-sided p-value of the signed-rank test (Wilcoxon 1945). For up to 50 differences it is exact, also with ties: it
/// counts the rank sums of all 2^n assignments of signs. For more it is the normal approximation with the correction
/// for ties and without a continuity correction.
fn wilcoxon(differences: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    if sorted.is_empty() || sorted.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Ranks are doubled, so that the mean rank of ties is a whole number.
    let mut ranks: Vec<usize> = Vec::with_capacity(sorted.len());
    let mut ties = 0.0;
    for group in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let first = ranks.len() + 1;
        ranks.extend(std::iter::repeat_n(2 * first + group.len() - 1, group.len()));
        ties += (group.len() as f64).powi(3) - group.len() as f64;
    }
    let positive: usize = sorted.iter().zip(&ranks).filter(|(value, _)| **value > 0.0).map(|(_, rank)| rank).sum();
    let total: usize = ranks.iter().sum();
    if sorted.len() <= EXACT {
        return Some(exact(&ranks, positive, total));
    }
    let n = sorted.len() as f64;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    let z = (positive as f64 / 2.0 - total as f64 / 4.0).abs() / variance.sqrt();
    Some(complementary_error(z / std::f64::consts::SQRT_2))
}

/// Fraction of all assignments of signs whose sum of doubled ranks with a positive sign is at least as far from the
/// mean sum, `total` / 2, as `positive`.
fn exact(ranks: &[usize], positive: usize, total: usize) -> f64 {
    let mut ways = vec![0.0; total + 1];
    ways[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        for sum in (0..=reached).rev() {
            ways[sum + rank] += ways[sum];
        }
        reached += rank;
    }
    let far = |sum: usize| (2 * sum).abs_diff(total) >= (2 * positive).abs_diff(total);
    let extreme: f64 = (0..=total).filter(|&sum| far(sum)).map(|sum| ways[sum]).sum();
    (extreme / 2f64.powi(ranks.len() as i32)).min(1.0)
}

/// erfc(x) for x of 0 or more, relative error below 1.2e-7 (Press et al., Numerical Recipes, section 6.2).
fn complementary_error(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    let polynomial = COEFFICIENTS.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    t * (-x * x + polynomial).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() <= 2e-7 * expected.max(1e-3))
    }

    #[test]
    fn wilcoxon_agrees_with_scipy() {
        // scipy.stats.wilcoxon(d, method="exact") and, from 60 differences on, method="approx", correction=False
        let depression = [6.0, 8.0, 14.0, 16.0, 23.0, 24.0, 28.0, 29.0, 41.0, -48.0, 49.0, 56.0, 60.0, -67.0, 75.0];
        assert!(near(wilcoxon(&depression), 0.041259765625));
        let waves: Vec<f64> = (1..=60).map(|k| (f64::from(k) * 0.7).sin() + 0.2).collect();
        assert!(near(wilcoxon(&waves), 0.008774154976433617), "{:?}", wilcoxon(&waves));
        assert_eq!(wilcoxon(&[0.0, 0.0]), None);
        assert_eq!(wilcoxon(&[1.0]), Some(1.0));
        // Three ties have eight assignments of signs; in two of them the sum is as extreme as here.
        assert_eq!(wilcoxon(&[2.0, 2.0, 2.0, 0.0]), Some(0.25));
    }

    #[test]
    fn the_interval_holds_the_mean_is_repeatable_and_shrinks_with_the_root_of_the_cases() {
        let values = |count: usize| -> Vec<f64> { (0..count).map(|k| 1.0 + (k as f64 * 2.4).sin()).collect() };
        let width = |count: usize| {
            let paired = Paired::of(&values(count));
            let [low, high] = paired.interval.unwrap();
            assert!(low < paired.mean.unwrap() && paired.mean.unwrap() < high);
            assert_eq!(paired, Paired::of(&values(count)));
            high - low
        };
        // A sine of random phase has a variance of 1/2, so the expected width is 2 * 1.96 * sqrt(1/2) / sqrt(n).
        for count in [100, 400] {
            let expected = 2.0 * 1.96 * (0.5f64 / count as f64).sqrt();
            assert!((width(count) / expected - 1.0).abs() < 0.1, "{count}: {} {expected}", width(count));
        }
        assert_eq!(Paired::of(&[1.0]).interval, None);
    }
}
