//! Traits of a scan and of its total variation volume, and their ranges in the training of a network: values outside
//! the ranges show that the scan differs from the training.

use crate::algorithms::weight::discrepancy::noise_in_air;
use crate::data::{Projections, Volume, Warning, Warnings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Smallest and largest value of each trait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(pub BTreeMap<String, [f64; 2]>);

/// Attenuation relative to water below which a voxel counts as air or lung and is ignored by `levels`.
const OBJECT: f64 = 0.5;
/// Width of a bin of `levels`, relative to water: 20 HU.
const LEVEL: f64 = 0.02;
/// Number of the fullest bins whose voxels are counted.
const LEVELS: usize = 5;
/// Relative tolerance by which a trait may lie outside its range.
const SLACK: f64 = 0.02;

/// The traits of a scan and of its total variation volume (attenuation, 1/mm), by name:
/// - `views`: number of views;
/// - `arc_deg`: arc that the views cover, degrees, if they lie on a circle;
/// - `noise`: relative noise (standard deviation / value) of the largest line integrals, estimated from the
///   projections;
/// - `largest_hu`: HU exceeded by one voxel in a thousand (detects metal);
/// - `levels`: fraction of the object's voxels in the five fullest bins of 20 HU (detects piecewise constant objects);
/// - `voxel_mm`: in-plane size of a voxel, mm.
#[must_use]
pub fn of(data: &Projections, volume: &Volume, mu_water: f64) -> BTreeMap<String, f64> {
    let geometry = &data.geometry;
    let mut found = BTreeMap::from([
        ("views".to_string(), geometry.views.len() as f64),
        ("noise".to_string(), noise(data)),
        ("voxel_mm".to_string(), volume.grid.spacing[1]),
    ]);
    if let Some(orbit) = &geometry.orbit {
        found.insert("arc_deg".into(), orbit.arc.abs().to_degrees());
    }
    let values: Vec<f64> = volume.as_slice().iter().map(|&mu| f64::from(mu) / mu_water).collect();
    found.extend(largest_hu(&values).map(|hu| ("largest_hu".to_string(), hu)));
    found.extend(levels(&values).map(|share| ("levels".to_string(), share)));
    found
}

/// Relative noise σ/y at the 99th percentile y of the line integrals.
fn noise(data: &Projections) -> f64 {
    let mut values: Vec<f32> = data.as_slice().to_vec();
    let place = (values.len() * 99 / 100).min(values.len().saturating_sub(1));
    let strong = f64::from(*values.select_nth_unstable_by(place, f32::total_cmp).1);
    if strong > 0.0 { noise_in_air(data) * (strong / 2.0).exp() / strong } else { 0.0 }
}

fn largest_hu(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    let place = values.len().checked_sub(1 + values.len() / 1000)?;
    Some((*values.select_nth_unstable_by(place, f64::total_cmp).1 - 1.0) * 1000.0)
}

fn levels(values: &[f64]) -> Option<f64> {
    let mut bins: BTreeMap<i64, usize> = BTreeMap::new();
    let object: Vec<f64> = values.iter().copied().filter(|&value| value > OBJECT).collect();
    for value in &object {
        *bins.entry((value / LEVEL).floor() as i64).or_default() += 1;
    }
    let mut counts: Vec<usize> = bins.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let full: usize = counts.iter().take(LEVELS).sum();
    (!object.is_empty()).then(|| full as f64 / object.len() as f64)
}

impl Ranges {
    /// Widens the ranges to include these traits.
    pub fn meet(&mut self, traits: &BTreeMap<String, f64>) {
        for (name, &value) in traits {
            let range = self.0.entry(name.clone()).or_insert([value, value]);
            *range = [range[0].min(value), range[1].max(value)];
        }
    }

    /// A warning for each trait outside its range.
    #[must_use]
    pub fn beyond(&self, traits: &BTreeMap<String, f64>) -> Warnings {
        let one = |(name, &[low, high]): (&String, &[f64; 2])| {
            let value = *traits.get(name)?;
            if value >= low - SLACK * low.abs() && value <= high + SLACK * high.abs() {
                return None;
            }
            // Values below the range of these traits are easier, not harder, than the training.
            if value < low && ["noise", "largest_hu", "levels"].contains(&name.as_str()) {
                return None;
            }
            let what = meaning(name);
            let message = format!(
                "tv_refined: {what} is {}, the network has met {} to {}: it may do worse than its total variation, \
                 which stands beside it",
                figure(value),
                figure(low),
                figure(high)
            );
            Some(Warning::new(&format!("beyond_prior_{name}"), message))
        };
        self.0.iter().filter_map(one).collect()
    }
}

fn figure(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

fn meaning(name: &str) -> &str {
    match name {
        "views" => "the number of views",
        "arc_deg" => "the arc of the views (degrees)",
        "noise" => "the relative noise of the strongest line integrals",
        "largest_hu" => "the HU of the brightest thousandth of the volume (metal?)",
        "levels" => "the share of the object in five narrow levels (piecewise constant?)",
        "voxel_mm" => "the size of a voxel (mm)",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_range_is_named_with_it() {
        let mut ranges = Ranges::default();
        let traits = |views: f64, levels: f64| BTreeMap::from([("views".into(), views), ("levels".into(), levels)]);
        ranges.meet(&traits(12.0, 0.3));
        ranges.meet(&traits(90.0, 0.6));
        assert!(ranges.beyond(&traits(40.0, 0.5)).is_empty());
        assert!(ranges.beyond(&traits(91.0, 0.1)).is_empty(), "within the slack; fewer levels are no harder");
        let said = ranges.beyond(&traits(200.0, 0.99));
        let codes: Vec<&str> = said.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes, ["beyond_prior_levels", "beyond_prior_views"]);
        assert!(said[1].message.contains("is 200, the network has met 12.000 to 90.000"), "{}", said[1].message);
    }

    #[test]
    fn flat_parts_are_told_from_anatomy() {
        let flat: Vec<f64> = (0..1000).map(|i| 1.0 + 0.1 * f64::from(i % 3)).collect();
        let varied: Vec<f64> = (0..1000).map(|i| 0.6 + f64::from(i) / 1000.0).collect();
        assert!(levels(&flat).unwrap() > 0.99 && levels(&varied).unwrap() < 0.15);
        assert_eq!(levels(&[0.0, 0.1]), None);
    }
}
