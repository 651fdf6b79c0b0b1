//! The last mile: a few more data steps with another optimizer.

use crate::optimizers::OptimizerKind;
use crate::registry::OneOf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The optimizer of the last steps, and how many they are: `{lbfgs: {}, steps: 20}`.
pub type Refinement = OneOf<OptimizerKind, Steps>;

/// How many steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Steps {
    /// Data steps after all others.
    pub steps: u64,
}

impl Default for Steps {
    fn default() -> Self {
        Self { steps: 20 }
    }
}

crate::sibling_keys!(Steps { steps });
