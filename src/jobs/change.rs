//! [`Change`]: an assignment to a key of a pipeline, as the YAML files of suites and studies write it.

use crate::error::Error;
use crate::pipeline::Assignment;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// `key=value` as `--set` takes it.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(with = "String")]
pub struct Change(pub Assignment);

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error: Error| D::Error::custom(error.to_string().replace("--set ", "")))
    }
}
