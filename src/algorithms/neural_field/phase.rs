//! [`Phase`]: the consecutive phases of a fit.

use serde::{Deserialize, Serialize};

/// Phase of a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Regression on the initial volume.
    Regression,
    /// Data steps: the fit to the projections.
    Data,
    /// Further data steps on the full grid with the second optimizer.
    Refinement,
}
