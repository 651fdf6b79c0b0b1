//! Cameras evenly distributed over the sphere around the object.

use super::lattice::spiral;
use super::{Directions, check_views};
use crate::data::Point;
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lowest and highest z of the unit vectors to the cameras.
const BAND: [f64; 2] = [-0.95, 0.95];

/// `sphere: {views}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of training pictures, 1 to 10000.
    pub views: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { views: 40 }
    }
}

impl Directions for Config {
    fn check(&self) -> Result<()> {
        check_views("sphere", self.views)
    }

    fn views(&self) -> usize {
        self.views
    }

    fn training(&self, seed: u64) -> Vec<Point> {
        spiral(self.views, BAND, "training cameras", seed)
    }

    fn held_out(&self, count: usize, seed: u64) -> Vec<Point> {
        spiral(count, BAND, "held-out cameras", seed)
    }
}
