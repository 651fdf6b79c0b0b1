//! Multiresolution hash grid: L grids of N_l = ⌊N_min bˡ⌋ cells per side, b = (N_max / N_min)^(1/(L−1)). Each node has
//! F trained features in a table of at most T rows per level; if a level has more nodes than T, node i has the row (⊕ₖ
//! iₖ πₖ) mod T. The features of a point are interpolated on every level and concatenated. Müller et al., "Instant
//! Neural Graphics Primitives with a Multiresolution Hash Encoding", ACM TOG 41(4), 2022; in CT: Zha et al., NAF,
//! MICCAI 2022. Initial features are U(−10⁻⁴, 10⁻⁴). By far the fastest encoding to train. With few views hash
//! collisions appear as grain; a T close to the number of nodes and some total variation reduce it.

use super::{Built, Encoding, grids};
use crate::error::{Error, Result};
use crate::fields::kernels::levels::Levels;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// `hash_grid: {levels, features, log2_table, base, finest}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of grids L, 1 to 32.
    pub levels: usize,
    /// Number of features F per node, 1 to 64.
    pub features: usize,
    /// Base-2 logarithm of T, the largest number of table rows per level; 4 to 26.
    pub log2_table: u32,
    /// Number of cells N_min along the box's longest extent on the first level, at least 1.
    pub base: usize,
    /// Number of cells N_max on the last level, from `base` to 65536; about the number of voxels across the volume.
    pub finest: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { levels: 8, features: 2, log2_table: 17, base: 4, finest: 128 }
    }
}

impl Config {
    fn grids(&self, inputs: usize) -> Levels {
        let growth = (self.finest as f64 / self.base as f64).powf(1.0 / (self.levels.max(2) - 1) as f64);
        let mut levels = Levels::new(inputs, self.features);
        for level in 0..self.levels {
            // The small addend makes the last level N_max in spite of rounding errors in the power.
            let cells = (self.base as f64 * growth.powi(level as i32) + 1e-6).floor() as usize;
            let (nodes, scale) = grids::over_the_box(cells, inputs);
            levels.push((0..inputs).collect(), nodes, scale, Some(self.log2_table));
        }
        levels
    }
}

impl Encoding for Config {
    fn check(&self, inputs: usize) -> Result<()> {
        require::within("levels", self.levels, 1..=32)?;
        require::within("log2_table", self.log2_table, 4..=26)?;
        if self.base == 0 {
            return Err(Error::config("base", "expected at least 1 cell, got 0"));
        }
        if !(self.base..=1 << 16).contains(&self.finest) {
            let problem = format!("expected base = {} to 65536 cells, got {}", self.base, self.finest);
            return Err(Error::config("finest", problem));
        }
        grids::check(&self.grids(inputs))
    }

    fn width(&self, _: usize) -> usize {
        self.levels * self.features
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_grow_geometrically_to_the_finest() {
        let config = Config { levels: 6, base: 4, finest: 128, log2_table: 12, ..Config::default() };
        let grids = config.grids(3);
        let cells: Vec<usize> = grids.levels.iter().map(|level| level.nodes[0] - 1).collect();
        assert_eq!(cells, [4, 8, 16, 32, 64, 128]);
        let rows: Vec<(usize, bool)> = grids.levels.iter().map(|level| (level.rows, level.hashed)).collect();
        assert_eq!(rows[..2], [(125, false), (729, false)]);
        assert!(rows[2..].iter().all(|&level| level == (4096, true)));
    }
}
