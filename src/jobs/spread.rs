//! [`Spread`]: mean, standard deviation, median and range of a figure over many runs.

use crate::report::numbers;
use serde::Serialize;

/// Statistics of a figure over cases or seeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Number of values.
    pub count: usize,
    /// Mean; null without a value.
    pub mean: Option<f64>,
    /// Standard deviation (n − 1 in the denominator); null with fewer than two values.
    pub deviation: Option<f64>,
    /// Median; null without a value.
    pub median: Option<f64>,
    /// Smallest value; null without a value.
    pub least: Option<f64>,
    /// Largest value; null without a value.
    pub most: Option<f64>,
}

impl Spread {
    /// The statistics of these values.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (count, middle) = (values.len(), values.len() / 2);
        let median = match count {
            0 => None,
            n if n % 2 == 1 => Some(sorted[middle]),
            _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        };
        let mean = (count > 0).then(|| values.iter().sum::<f64>() / count as f64);
        let deviation = mean
            .filter(|_| count > 1)
            .map(|mean| (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1) as f64).sqrt());
        Self { count, mean, deviation, median, least: sorted.first().copied(), most: sorted.last().copied() }
    }

    /// Mean and standard deviation as text, such as `26.64 ± 4.12`, with the usual decimals of the unit. One value is
    /// shown alone, no value as a dash.
    #[must_use]
    pub fn shown(&self, unit: &str) -> String {
        match (self.mean, self.deviation) {
            (Some(mean), Some(deviation)) => {
                format!("{} ± {}", numbers::metric(mean, unit), numbers::metric(deviation, unit))
            }
            (Some(mean), None) => numbers::metric(mean, unit),
            (None, _) => numbers::MISSING.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_few_values() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.count, spread.mean, spread.median), (4, Some(2.5), Some(2.5)));
        assert!((spread.deviation.unwrap() - (5.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!((spread.least, spread.most), (Some(1.0), Some(4.0)));
        // numpy: np.std([1, 2, 6], ddof=1)
        assert!((Spread::of(&[1.0, 2.0, 6.0]).deviation.unwrap() - 2.645_751_311_064_590_6).abs() < 1e-15);
        assert_eq!(Spread::of(&[7.0]).deviation, None);
        assert_eq!(Spread::of(&[]), Spread::default());
        let shown = [&[25.0, 27.0][..], &[25.0], &[]].map(|values| Spread::of(values).shown("dB"));
        assert_eq!(shown, ["26.00 ± 1.41", "25.00", "–"]);
    }
}
