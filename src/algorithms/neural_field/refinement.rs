//! The final phase of a fit: a few more data steps with another optimizer.

use crate::optimizers::OptimizerKind;
use crate::registry::OneOf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The optimizer of the final steps and their number: `{lbfgs: {}, steps: 20}`.
pub type Refinement = OneOf<OptimizerKind, Steps>;

/// Number of steps of the final phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Steps {
    /// Number of data steps with this optimizer, after all others.
    pub steps: u64,
}

impl Default for Steps {
    fn default() -> Self {
        Self { steps: 20 }
    }
}

crate::sibling_keys!(Steps { steps });
