//! Settings of a study, at which every case is run.

use super::study::{Combine, MOST, Study};
use crate::error::{Error, Result};
use crate::pipeline::Assignment;

/// A combination of one setting on every axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vary {
    /// Name of each axis and of the setting on it, in the order of the axes.
    pub axes: Vec<(String, String)>,
    /// Changes to the pipeline.
    pub changes: Vec<Assignment>,
}

impl Vary {
    fn and(&self, more: &Self) -> Self {
        Self { axes: [&self.axes[..], &more.axes].concat(), changes: [&self.changes[..], &more.changes].concat() }
    }
}

/// The combinations of the settings of all axes; one without changes if there is no axis. In a product the last axis
/// varies fastest; a zip combines the first settings of all axes, then the second ones, and so on.
///
/// # Errors
/// An axis without a setting; in a zip, axes with different numbers of settings.
pub fn variations(study: &Study) -> Result<Vec<Vary>> {
    let axes: Vec<Vec<Vary>> = study
        .vary
        .iter()
        .map(|(axis, settings)| {
            let setting = |(name, changes): (&str, &Vec<crate::jobs::Change>)| Vary {
                axes: vec![(axis.to_string(), name.to_string())],
                changes: changes.iter().map(|change| change.0.clone()).collect(),
            };
            settings.iter().map(setting).collect()
        })
        .collect();
    if axes.iter().any(Vec::is_empty) {
        return Err(Error::config("vary", "expected at least one setting of every axis"));
    }
    match study.combine {
        Combine::Product if settings(&axes).is_none_or(|count| count > MOST) => {
            let counts: Vec<String> = axes.iter().map(|axis| axis.len().to_string()).collect();
            let problem = format!("expected at most {MOST} combinations of settings, got {}", counts.join(" x "));
            Err(Error::config("vary", problem).hint("leave out axes or settings, or write `combine: zip`"))
        }
        Combine::Product => Ok(axes.iter().fold(vec![Vary::default()], |product, axis| {
            product.iter().flat_map(|before| axis.iter().map(|setting| before.and(setting))).collect()
        })),
        Combine::Zip => {
            let count = axes.first().map_or(1, Vec::len);
            if let Some(other) = axes.iter().find(|axis| axis.len() != count) {
                let problem = format!("a zip needs as many settings of every axis, got {count} and {}", other.len());
                return Err(Error::config("vary", problem));
            }
            Ok((0..count).map(|i| axes.iter().fold(Vary::default(), |before, axis| before.and(&axis[i]))).collect())
        }
    }
}

/// Number of combinations of the settings of all axes; `None` if it is beyond all numbers.
fn settings(axes: &[Vec<Vary>]) -> Option<usize> {
    axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::setting;

    fn labels(vary: &str) -> Result<Vec<String>> {
        let text = format!("pipeline: a.yaml\ncases: [seeds: {{count: 1}}]\n{vary}");
        let study: Study = serde_yaml::from_str(&text).unwrap();
        Ok(variations(&study)?.iter().map(|variation| setting(&variation.axes)).collect())
    }

    #[test]
    fn a_product_takes_all_and_a_zip_goes_along() {
        let vary = "vary: {views: {20: [seed=1], 40: [seed=2]}, dose: {low: [seed=3], high: [seed=4]}}\n";
        let product = ["views-20_dose-low", "views-20_dose-high", "views-40_dose-low", "views-40_dose-high"];
        assert_eq!(labels(vary).unwrap(), product);
        assert_eq!(labels(&format!("{vary}combine: zip")).unwrap(), ["views-20_dose-low", "views-40_dose-high"]);
        assert_eq!(labels("").unwrap(), ["base"]);
        assert!(labels("vary: {a: {x: [seed=1]}, b: {}}").is_err());
        assert!(labels("combine: zip\nvary: {a: {x: [seed=1]}, b: {x: [seed=1], y: [seed=2]}}").is_err());
    }

    #[test]
    fn more_combinations_than_any_study_has_are_refused() {
        let axis = |name: usize| {
            let settings: Vec<String> = (0..10).map(|setting| format!("{setting}: [seed={setting}]")).collect();
            format!("a{name}: {{{}}}", settings.join(", "))
        };
        let vary = |axes: usize| format!("vary: {{{}}}", (0..axes).map(axis).collect::<Vec<_>>().join(", "));
        assert_eq!(labels(&vary(2)).unwrap().len(), 100);
        for axes in [7, 30] {
            let error = labels(&vary(axes)).unwrap_err();
            assert!(error.to_string().contains("vary: expected at most 1000000 combinations"), "{error}");
        }
    }
}
