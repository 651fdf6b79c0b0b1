//! [`Phase`]: the parts of a fit, one after the other.

use serde::{Deserialize, Serialize};

/// Where in the fit a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Learning the start's volume.
    Regression,
    /// Learning the projections.
    Data,
    /// Learning the projections on the full grid, by another optimizer.
    Refinement,
}
