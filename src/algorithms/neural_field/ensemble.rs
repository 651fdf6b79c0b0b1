//! Several fields fitted to the same data from different random numbers: their mean, and their spread as its
//! uncertainty.
//!
//! B. Lakshminarayanan, A. Pritzel, C. Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep
//! Ensembles", NeurIPS 2017; the running mean and sum of squares are Welford's, Technometrics 4 (1962) 419.

use crate::algorithms::named_array::NamedArray;
use crate::error::Result;
use crate::fields::Parameter;

/// Prefix of the names of the members' weights.
pub(super) const MEMBER: &str = "member.";

/// Running mean and spread of the fitted fields, in units of mu_ref, per voxel `[z, y, x]` of the grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ensemble {
    /// Number of fields included.
    pub(super) members: usize,
    pub(super) mean: Vec<f32>,
    /// Σ (x − mean)².
    pub(super) squares: Vec<f32>,
    /// Weights of each member, `member.K.*`, for later evaluation; empty for a single field, whose weights are
    /// `field.*`.
    pub(super) weights: Vec<NamedArray>,
}

impl Ensemble {
    /// Adds the voxel values of one more field to the mean and the spread.
    pub(super) fn add(&mut self, values: &[f32]) {
        self.members += 1;
        self.mean.resize(values.len(), 0.0);
        self.squares.resize(values.len(), 0.0);
        let part = 1.0 / self.members as f32;
        for ((mean, square), &value) in self.mean.iter_mut().zip(&mut self.squares).zip(values) {
            let before = value - *mean;
            *mean += part * before;
            *square += before * (value - *mean);
        }
    }

    /// Stores the weights of the field that was added last.
    pub(super) fn remember(&mut self, parameters: &[Parameter]) -> Result<()> {
        let prefix = Self::name(self.members - 1);
        for parameter in parameters {
            self.weights.push(NamedArray::new(format!("{prefix}.{}", parameter.name), &parameter.value)?);
        }
        Ok(())
    }

    /// Prefix of the names of a member's weights, `member.K`.
    pub(super) fn name(member: usize) -> String {
        format!("{MEMBER}{member}")
    }

    /// Standard deviation of the fields at each voxel, in units of mu_ref; `None` for a single field.
    pub(super) fn deviation(&self) -> Option<Vec<f32>> {
        (self.members > 1)
            .then(|| self.squares.iter().map(|square| (square / (self.members - 1) as f32).sqrt()).collect())
    }

    /// The seed of a member; the first one has the seed of the run.
    pub(super) fn seed(member: usize, seed: u64) -> u64 {
        seed ^ ((member as u64) << 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_are_those_of_the_members() {
        let mut ensemble = Ensemble::default();
        for values in [[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]] {
            ensemble.add(&values);
        }
        assert_eq!(ensemble.mean, [3.0, 5.0]);
        let deviation = ensemble.deviation().unwrap();
        assert!((deviation[0] - 7f32.sqrt()).abs() < 1e-6 && deviation[1] == 0.0);
        assert_eq!(Ensemble::seed(0, 7), 7);
        assert_ne!(Ensemble::seed(1, 7), Ensemble::seed(2, 7));
    }
}
