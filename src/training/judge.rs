//! Evaluation of a network: the reduction of the squared error compared with its starts.

use super::case::{self, Case, Caseload};
use crate::algorithms::refined::{Consistency, Prior};
use crate::data::Volume;
use crate::error::Result;
use crate::progress::{self, StopSignal};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Number of conjugate gradient steps, the default of `tv_refined`.
const STEPS: u64 = 10;

/// Scans to evaluate on.
pub(super) struct Judge<'a> {
    pub(super) cases: Caseload<'a>,
    pub(super) stop: &'a dyn StopSignal,
}

/// Index of a case's volume, and its gain, dB: 10 log₁₀ of the squared error before over that after.
pub(super) type Gain = (usize, f64);

impl Judge<'_> {
    /// The gain in each of `count` cases, for each strength of the data consistency in `factors`: `[factor][case]`.
    pub(super) fn gains(&self, prior: &Prior, count: usize, factors: &[f64]) -> Result<Vec<Vec<Gain>>> {
        let task = progress::begin(self.cases.purpose, Some(count as u64));
        self.stop.check_stop()?;
        let (threads, cases) = (case::tensors_alone(), &self.cases);
        let scanned = |number: usize| -> Result<(Case, Volume)> {
            let case = cases.case(number as u64)?;
            let fine = case.variation()?;
            Ok((case, fine))
        };
        let scanned: Vec<Result<_>> = (0..count).into_par_iter().map(scanned).collect();
        let mut made = Vec::new();
        for scanned in scanned {
            let (case, fine) = scanned?;
            made.extend(gains_of(&case, &fine, prior, factors)?);
        }
        drop(threads);
        task.end();
        Ok((0..factors.len()).map(|i| made.iter().map(|gains| gains[i]).collect()).collect())
    }
}

/// The gains in one case, for each strength of the data consistency; `None` if the start has no error. `fine` is the
/// case's total variation volume.
fn gains_of(case: &Case, fine: &Volume, prior: &Prior, factors: &[f64]) -> Result<Option<Vec<Gain>>> {
    let start = case.start(fine)?;
    let truth = start.pair(&case.truth)?;
    let error = |found: &[f32]| -> f64 { found.iter().zip(&truth.truth).map(|(a, b)| f64::from(a - b).powi(2)).sum() };
    let before = error(&truth.start);
    let gain = |&factor: &f64| -> Result<Gain> {
        let rule = Consistency { factor, steps: STEPS };
        let after = error(&start.refined_values(prior, rule, true)?);
        Ok((case.source, 10.0 * (before / after.max(f64::MIN_POSITIVE)).log10()))
    };
    (before > 0.0).then(|| factors.iter().map(gain).collect()).transpose()
}

/// Mean gain, dB; 0 without cases.
pub(super) fn mean(gains: &[Gain]) -> f64 {
    gains.iter().map(|(_, gain)| gain).sum::<f64>() / gains.len().max(1) as f64
}

/// Mean gain, worst gain (dB) and number of cases, over all volumes and for each volume.
pub(super) fn figures<'a>(gains: &[Gain], names: impl Iterator<Item = &'a str>) -> BTreeMap<String, f64> {
    let worst = |gains: &[Gain]| gains.iter().map(|(_, gain)| *gain).fold(f64::INFINITY, f64::min);
    let mut all = BTreeMap::new();
    let mut enter = |name: &str, gains: &[Gain]| {
        if !gains.is_empty() {
            all.insert(format!("{name}_gain_db"), mean(gains));
            all.insert(format!("{name}_worst_gain_db"), worst(gains));
            all.insert(format!("{name}_cases"), gains.len() as f64);
        }
    };
    enter("test", gains);
    for (number, name) in names.enumerate() {
        let its: Vec<Gain> = gains.iter().copied().filter(|(source, _)| *source == number).collect();
        enter(name, &its);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_name_the_mean_and_the_worst_of_each_volume() {
        let found = figures(&[(0, 2.0), (1, -1.0), (0, 1.0)], ["a", "b"].into_iter());
        let expected = [
            ("a_cases", 2.0),
            ("a_gain_db", 1.5),
            ("a_worst_gain_db", 1.0),
            ("b_cases", 1.0),
            ("b_gain_db", -1.0),
            ("b_worst_gain_db", -1.0),
            ("test_cases", 3.0),
            ("test_gain_db", 2.0 / 3.0),
            ("test_worst_gain_db", -1.0),
        ];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected.map(|(k, v)| (k.to_string(), v)));
    }
}
