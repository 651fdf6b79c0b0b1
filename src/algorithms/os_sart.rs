//! SIRT with ordered subsets of the views, or SART with one view per subset: x ← P(x + λ Cₛ Aₛᵀ Rₛ (yₛ − Aₛ x)) for
//! each subset s.
//!
//! A. H. Andersen, A. C. Kak, Ultrasonic Imaging 6, 1984; G. Wang, M. Jiang, J. X-Ray Sci. Technol. 12, 2004; the
//! decreasing λ as in TIGRE (A. Biguri et al., Biomed. Phys. Eng. Express 2, 2016). At first it converges faster than
//! SIRT by a factor of the number of subsets; then it ends in a limit cycle around the solution unless λ decreases. A
//! dozen sweeps of SART or twenty of OS-SART are usual.

use super::iterative::subsets::Subsets;
use super::iterative::sweep::SubsetSweep;
use super::iterative::{Common, Mask, Order};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// SIRT with ordered subsets (OS-SART); SART with one view per subset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of sweeps over all views.
    pub iterations: u64,
    /// Number of views in a subset: 1 is SART, 0 takes all views at once (SIRT).
    pub subset_views: usize,
    /// Order in which the subsets are visited.
    pub ordering: Order,
    /// Relaxation λ of the first sweep, above 0 and below 2.
    pub relaxation: f64,
    /// Factor by which λ is multiplied after each sweep, above 0 and at most 1; 1 keeps λ constant.
    pub reduction: f64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            iterations: 20,
            subset_views: 4,
            ordering: Order::Multilevel,
            relaxation: 1.0,
            reduction: 0.99,
            nonnegative: true,
            mask: Mask::None,
            tolerance: 0.0,
        }
    }
}

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "os_sart", iterations, tolerance, nonnegative, mask }
    }
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        let common = self.common();
        common.check()?;
        Common::check_relaxation(self.relaxation, self.reduction)
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let kept = Subsets::kept(self.subset_views, setup);
        self.common().estimate(setup, 2.0, 5, 3 + kept)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.common().solve(problem, run, |system, record| {
            SubsetSweep::new(system, self.subset_views, self.ordering)?.iterate(
                system,
                record,
                self.relaxation,
                self.reduction,
            )
        })
    }
}
