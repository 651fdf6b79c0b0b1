//! Grids of trained features at several resolutions, with one table row for every node; the features of a point are
//! interpolated in each grid and concatenated. Like `hash_grid` but without hash collisions (Müller et al., ACM TOG
//! 2022, §3: "dense grid"; Sun et al., DVGO, CVPR 2022; Takikawa et al., NGLOD, CVPR 2021). Memory grows with the cube
//! of the finest resolution: use it for volumes up to about 256 voxels across. Initial features are U(−10⁻⁴, 10⁻⁴).

use super::{Built, Encoding, grids};
use crate::error::{Error, Result};
use crate::fields::kernels::levels::Levels;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// `dense_grid: {resolutions, features}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of cells along the box's longest extent, one number per grid: 1 to 32 numbers from 1 to 16384.
    pub resolutions: Vec<usize>,
    /// Number of features per node, 1 to 64.
    pub features: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { resolutions: vec![4, 8, 16, 32, 64], features: 4 }
    }
}

impl Config {
    fn grids(&self, inputs: usize) -> Levels {
        let mut levels = Levels::new(inputs, self.features);
        for &cells in &self.resolutions {
            let (nodes, scale) = grids::over_the_box(cells, inputs);
            levels.push((0..inputs).collect(), nodes, scale, None);
        }
        levels
    }
}

impl Encoding for Config {
    fn check(&self, inputs: usize) -> Result<()> {
        if self.resolutions.is_empty()
            || self.resolutions.len() > 32
            || self.resolutions.iter().any(|n| !(1..=1 << 14).contains(n))
        {
            let problem = format!("expected 1 to 32 numbers of 1 to 16384 cells, got {:?}", self.resolutions);
            return Err(Error::config("resolutions", problem));
        }
        grids::check(&self.grids(inputs))
    }

    fn width(&self, _: usize) -> usize {
        self.resolutions.len() * self.features
    }

    fn reads(&self, inputs: usize) -> usize {
        self.grids(inputs).reads()
    }

    fn trainable(&self, inputs: usize) -> usize {
        self.grids(inputs).rows() * self.features
    }

    fn build(&self, inputs: usize, seed: u64, options: (Kind, Device)) -> Result<Built> {
        self.check(inputs)?;
        grids::build(self.grids(inputs), 1e-4, seed, options)
    }
}
