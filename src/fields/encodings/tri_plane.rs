//! Features in the three planes xy, xz and yz. The features of a point are interpolated at its projection onto each
//! plane, and the three results are added, multiplied or concatenated. Chan et al., "Efficient Geometry-aware 3D
//! Generative Adversarial Networks" (EG3D), CVPR 2022: sum; Fridovich-Keil et al., "K-Planes", CVPR 2023: product,
//! which can select a single point. Memory grows with the square of the resolution; best for objects aligned with the
//! axes. Initial features are U(−0.1, 0.1), for the product U(0.1, 0.5) as in K-Planes.

use super::{Built, Encoder, Encoding, grids};
use crate::error::{Error, Result};
use crate::fields::interpolation::interpolate;
use crate::fields::kernels::levels::Levels;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// Combination of the features of the three planes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// Added (EG3D).
    #[default]
    Sum,
    /// Multiplied (K-Planes).
    Product,
    /// Concatenated.
    Concatenate,
}

/// `tri_plane: {resolution, features, combine}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of cells along the box's longest extent, 1 to 16384; about the number of voxels across the volume.
    pub resolution: usize,
    /// Number of features per node, 1 to 64.
    pub features: usize,
    /// Combination of the features of the three planes into the features of a point.
    pub combine: Combine,
}

impl Default for Config {
    fn default() -> Self {
        Self { resolution: 128, features: 16, combine: Combine::Sum }
    }
}

#[derive(Debug)]
struct Planes {
    levels: Levels,
    table: Tensor,
    combine: Combine,
}

impl Encoder for Planes {
    fn encode(&self, points: &Tensor) -> std::result::Result<Tensor, TchError> {
        let planes = interpolate(&self.levels, &self.table, points)?;
        let apart = || planes.f_view([-1, 3, self.levels.features as i64]);
        match self.combine {
            Combine::Sum => apart()?.f_sum_dim_intlist(1i64, false, None),
            Combine::Product => {
                let planes = apart()?;
                planes.f_select(1, 0)?.f_mul(&planes.f_select(1, 1)?)?.f_mul(&planes.f_select(1, 2)?)
            }
            Combine::Concatenate => Ok(planes),
        }
    }

    fn table(&self) -> Option<(&Levels, &Tensor)> {
        (self.combine == Combine::Concatenate).then_some((&self.levels, &self.table))
    }
}

impl Config {
    fn planes(&self) -> Levels {
        let mut levels = Levels::new(3, self.features);
        for axes in [[0, 1], [0, 2], [1, 2]] {
            let (nodes, scale) = grids::over_the_box(self.resolution, 2);
            levels.push(axes.to_vec(), nodes, scale, None);
        }
        levels
    }
}

impl Encoding for Config {
    fn check(&self, inputs: usize) -> Result<()> {
        if inputs != 3 {
            return Err(Error::config("tri_plane", "expected a 3-D volume, got a 2-D slice")
                .hint("in 2-D use dense_grid or hash_grid"));
        }
        if !(1..=1 << 14).contains(&self.resolution) {
            return Err(Error::config("resolution", format!("expected 1 to 16384 cells, got {}", self.resolution)));
        }
        grids::check(&self.planes())
    }

    fn width(&self, _: usize) -> usize {
        if self.combine == Combine::Concatenate { 3 * self.features } else { self.features }
    }

    fn reads(&self, _: usize) -> usize {
        self.planes().reads()
    }

    fn trainable(&self, _: usize) -> usize {
        self.planes().rows() * self.features
    }

    fn build(&self, inputs: usize, seed: u64, options: (Kind, Device)) -> Result<Built> {
        self.check(inputs)?;
        let levels = self.planes();
        let product = self.combine == Combine::Product;
        let parameter = grids::table(&levels, if product { 0.2 } else { 0.1 }, seed, options)?;
        if product {
            let _ = parameter.value.f_detach().and_then(|mut table| table.f_add_scalar_(0.3)).map_err(torch_error)?;
        }
        let encoder = Planes { levels, table: parameter.value.shallow_clone(), combine: self.combine };
        Ok(Built { encoder: Box::new(encoder), parameters: vec![parameter] })
    }
}
