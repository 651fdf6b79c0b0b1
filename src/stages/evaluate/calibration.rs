//! Calibration of an uncertainty map: how well it describes the errors of a volume.
//!
//! Computed over the voxels with a standard deviation σ > 0 and error e: the fractions with |e| ≤ σ and |e| ≤ 2σ (0.683
//! and 0.954 for normally distributed errors), the factor √(mean e² / mean σ²) by which σ is too small on average, and
//! Spearman's rank correlation of σ with |e|, which shows whether σ is large in the right places even if its scale is
//! wrong. Guo et al., ICML 2017; Spearman 1904.

use crate::data::Volume;
use std::collections::BTreeMap;

/// The values by name; empty if no voxel has a standard deviation above 0.
pub(super) fn figures(truth: &Volume, found: &Volume, deviation: &Volume) -> BTreeMap<String, f64> {
    let values = truth.as_slice().iter().zip(found.as_slice()).zip(deviation.as_slice());
    let pairs: Vec<(f64, f64)> = values
        .map(|((truth, found), sigma)| (f64::from((found - truth).abs()), f64::from(*sigma)))
        .filter(|(_, sigma)| *sigma > 0.0)
        .collect();
    if pairs.is_empty() {
        return BTreeMap::new();
    }
    let count = pairs.len() as f64;
    let within = |times: f64| pairs.iter().filter(|(error, sigma)| *error <= times * sigma).count() as f64 / count;
    let square = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(|pair| of(pair).powi(2)).sum::<f64>() / count;
    let mean_square = square(|pair| pair.1);
    BTreeMap::from([
        ("mean".to_string(), pairs.iter().map(|pair| pair.1).sum::<f64>() / count),
        ("within_1_sigma".to_string(), within(1.0)),
        ("within_2_sigma".to_string(), within(2.0)),
        ("too_small_by".to_string(), (square(|pair| pair.0) / mean_square).sqrt()),
        ("rank_correlation".to_string(), rank_correlation(&pairs)),
    ])
}

/// Spearman's rank correlation ρ of the two members of each pair.
fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let (a, b) = (ranks(pairs.iter().map(|pair| pair.0)), ranks(pairs.iter().map(|pair| pair.1)));
    let mean = (pairs.len() as f64 - 1.0) / 2.0;
    let sum = |f: &dyn Fn(usize) -> f64| (0..pairs.len()).map(f).sum::<f64>();
    let product = sum(&|i| (a[i] - mean) * (b[i] - mean));
    let squares = sum(&|i| (a[i] - mean).powi(2)) * sum(&|i| (b[i] - mean).powi(2));
    if squares > 0.0 { product / squares.sqrt() } else { 0.0 }
}

/// Rank of each value, from 0; equal values share their mean rank.
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let mut end = first + 1;
        while end < order.len() && values[order[end]] == values[order[first]] {
            end += 1;
        }
        order[first..end].iter().for_each(|&i| ranks[i] = (first + end - 1) as f64 / 2.0);
        first = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Grid, Quantity};

    fn volume(values: &[f32]) -> Volume {
        let grid = Grid::centered([1, 1, values.len()], [1.0; 3], [0.0; 3]).unwrap();
        Volume::from_vec(grid, Quantity::Hounsfield, values.to_vec()).unwrap()
    }

    #[test]
    fn a_map_that_is_twice_too_small_but_points_at_the_right_places_is_told() {
        let sigma = [1.0, 2.0, 3.0, 4.0, 0.0];
        let found = figures(&volume(&[0.0; 5]), &volume(&[2.0, -4.0, 6.0, -8.0, 9.0]), &volume(&sigma));
        assert_eq!((found["within_1_sigma"], found["within_2_sigma"], found["mean"]), (0.0, 1.0, 2.5));
        assert!((found["too_small_by"] - 2.0).abs() < 1e-12 && (found["rank_correlation"] - 1.0).abs() < 1e-12);
        let wrong = figures(&volume(&[0.0; 5]), &volume(&[8.0, 6.0, 4.0, 2.0, 0.0]), &volume(&sigma));
        assert!((wrong["rank_correlation"] + 1.0).abs() < 1e-12);
        assert!(figures(&volume(&[0.0]), &volume(&[1.0]), &volume(&[0.0])).is_empty());
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks([5.0, 1.0, 5.0, 7.0].into_iter()), [1.5, 0.0, 1.5, 3.0]);
    }
}
