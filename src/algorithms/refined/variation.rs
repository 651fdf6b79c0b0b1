//! The total variation that is refined, on the finer model of the scan.

use crate::algorithms::statistics::Statistics;
use crate::algorithms::weight::{Auto, Weight};
use crate::algorithms::{Algorithm, Discretisation, Estimate, Reconstruction, Run, tv};
use crate::data::{Geometry, Grid, Projections};
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

    pub(super) fn check(&self, geometry: &Geometry, grid: &Grid) -> Result<()> {
        self.tv(self.weight.clone(), self.noise).check(geometry, grid)
    }

    pub(super) fn estimate(&self, geometry: &Geometry, grid: &Grid) -> Estimate {
        let fine = self.discretisation.grid(grid).unwrap_or_else(|_| grid.clone());
        self.tv(self.near(1e-4), self.noise).estimate(&self.discretisation.geometry(grid, geometry), &fine)
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
    pub(super) fn reconstruct(&self, data: &Projections, grid: &Grid, run: &Run<'_>) -> Result<Reconstruction> {
        let mut inner = run.trial(None);
        let mut weight = self.weight.clone();
        if self.discretisation.lattice > 1 && matches!(weight, Weight::Auto(_)) {
            let found = self.tv(weight, None).choose_weight(data, grid, &inner)?;
            weight = self.near(found.weight);
        }
        self.discretisation.enter(&mut inner);
        self.tv(weight, self.noise).reconstruct(data, &self.discretisation.grid(grid)?, &mut inner)
    }
}
