//! MLEM: maximum likelihood for Poisson-distributed emission data, y ~ Poisson(A x): x ← x · Aᵀ(y / A x) / Aᵀ1.
//!
//! L. A. Shepp, Y. Vardi, IEEE Trans. Med. Imaging 1, 1982. Keeps x ≥ 0 and the total counts, Σ A x = Σ y; the
//! likelihood never decreases. It converges slowly: [`osem`] needs about a tenth of the iterations. Negative data are
//! set to 0.

use super::iterative::{Mask, Order};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup, osem};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum likelihood for emission data (MLEM).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of iterations.
    pub iterations: u64,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { iterations: 100, mask: Mask::None, tolerance: 0.0 }
    }
}

impl Config {
    /// The OSEM configuration with all views in one subset.
    fn one_subset(&self) -> osem::Config {
        let Self { iterations, mask, tolerance } = *self;
        osem::Config { iterations, subset_views: 0, ordering: Order::Sequential, mask, tolerance }
    }
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        self.one_subset().common("mlem").check()
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.one_subset().estimate(setup)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.one_subset().solve("mlem", problem, run)
    }
}
