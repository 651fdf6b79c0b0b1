//! The total variation that is refined, on the finer model of the scan.

use crate::algorithms::statistics::Statistics;
use crate::algorithms::weight::{Auto, Weight};
use crate::algorithms::{Algorithm, Discretisation, Estimate, Problem, Reconstruction, Run, Setup, tv};
use crate::error::Result;

/// A total variation on finer voxels.
pub(super) struct Variation {
    pub(super) weight: Weight,
    pub(super) noise: Option<Statistics>,
    pub(super) discretisation: Discretisation,
    pub(super) nonnegative: bool,
}

impl Variation {
    fn tv(&self, weight: Weight, noise: Option<Statistics>) -> tv::Config {
        tv::Config {
            weight,
            noise,
            nonnegative: self.nonnegative,
            ..tv::Config::on_lattice(self.discretisation.lattice)
        }
    }

    pub(super) fn check(&self, setup: &Setup<'_>) -> Result<()> {
        self.tv(self.weight.clone(), self.noise).check(setup)
    }

    pub(super) fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.discretisation.estimate(&self.tv(self.near(1e-4), self.noise), setup)
    }

    /// The weight's search from one that was found on the picture's voxels.
    fn near(&self, first: f64) -> Weight {
        match &self.weight {
            Weight::Auto(auto) if self.discretisation.lattice > 1 => {
                Weight::Auto(Auto { first, near: Some(tv::NEAR), ..auto.clone() })
            }
            other => other.clone(),
        }
    }

    /// The volume on the finer lattice. A weight is searched for on the picture's voxels first, where a trial costs a
    /// tenth.
    pub(super) fn reconstruct(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Reconstruction> {
        let mut inner = run.trial(None);
        let mut weight = self.weight.clone();
        if self.discretisation.lattice > 1 && matches!(weight, Weight::Auto(_)) {
            let found = self.tv(weight, None).choose_weight(problem, &inner)?;
            weight = self.near(found.weight);
        }
        self.tv(weight, self.noise).reconstruct(&self.discretisation.problem(problem)?, &mut inner)
    }
}
