//! Quantiles of many values, estimated from a deterministic sample; this is accurate enough for the range of a picture.

/// Largest sample size; up to this number of values the quantiles are exact.
const SAMPLE: usize = 1 << 18;
/// Fractional part of the golden ratio: its multiples modulo 1 fill the unit interval evenly, so the sample does not
/// align with the rows of a volume, whatever their length.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// The values `value(0..count)` in ascending order, or a deterministic sample of them if there are more than
/// [`SAMPLE`].
pub(crate) fn sorted_sample(count: usize, value: impl Fn(usize) -> f32) -> Vec<f32> {
    let mut sample: Vec<f32> = if count <= SAMPLE {
        (0..count).map(&value).collect()
    } else {
        (0..SAMPLE).map(|i| value((((i as f64 * GOLDEN).fract() * count as f64) as usize).min(count - 1))).collect()
    };
    sample.sort_unstable_by(f32::total_cmp);
    sample
}

/// The quantiles `at` (0 to 1) of the values `value(0..count)`, from [`sorted_sample`]; zeros if `count` is 0.
pub(crate) fn quantiles<const N: usize>(count: usize, value: impl Fn(usize) -> f32, at: [f64; N]) -> [f64; N] {
    let sample = sorted_sample(count, value);
    at.map(|q| sample.get(((sample.len() as f64 - 1.0) * q).round() as usize).map_or(0.0, |&v| f64::from(v)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_ramp_are_its_values() {
        assert_eq!(quantiles(101, |i| i as f32, [0.0, 0.25, 1.0]), [0.0, 25.0, 100.0]);
        let [median, high] = quantiles(10_000_000, |i| (i % 512) as f32, [0.5, 0.99]);
        assert!((median - 256.0).abs() < 2.0 && (high - 507.0).abs() < 2.0, "{median} {high}");
        assert_eq!(quantiles(0, |_| 1.0, [0.5]), [0.0]);
    }
}
