//! Cameras from a file in the format of NeRF's synthetic scenes (`transforms.json`, see docs/neural-rendering.md).

use super::Directions;
use crate::data::Point;
use crate::error::Result;
use crate::input_path::InputPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// `file: {transforms, held_out}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The training cameras. Positions are in mm, or in the file's own unit where it has recon's `mm_per_unit` and
    /// `center_mm`.
    pub transforms: InputPath,
    /// The held-out cameras, likewise; default: every eighth of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<InputPath>,
}

impl Directions for Config {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn views(&self) -> usize {
        0
    }

    fn training(&self, _: u64) -> Vec<Point> {
        Vec::new()
    }

    fn held_out(&self, _: usize, _: u64) -> Vec<Point> {
        Vec::new()
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.transforms)
    }
}
