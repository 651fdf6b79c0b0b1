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
    /// Path of the JSON file with the training cameras. Positions are in mm, or in the file's own unit if it has
    /// recon's keys `mm_per_unit` and `center_mm`.
    pub transforms: InputPath,
    /// Path of the JSON file with the held-out cameras, in the same format; default: every eighth camera of
    /// `transforms` is held out.
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
