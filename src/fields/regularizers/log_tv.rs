//! Logarithmic total variation: Σ ε log(1 + |∇x|/ε).
//!
//! Total variation penalises an edge in proportion to its height and so lowers contrast; here a difference well above ε
//! costs little less than one of twice its height. E. J. Candès, M. B. Wakin, S. P. Boyd, J. Fourier Anal. Appl. 14,
//! 2008 (its reweighted form); for few views E. Y. Sidky, R. Chartrand, X. Pan, IEEE NSS 2007. The penalty is not
//! convex, so the result depends on the start.

use super::{Regularizer, squares};
use crate::error::Result;
use crate::fields::regularizers::total_variation::EPSILON_SQUARED;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Logarithmic total variation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of the sum over all voxels, at least 0, for x = mu / (2.5 mu_water). Small differences cost the same as
    /// with `tv` of equal weight.
    pub weight: f64,
    /// Difference ε between neighbours (in x = mu / (2.5 mu_water)) above which larger differences cost little more;
    /// greater than 0.
    pub epsilon: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { weight: 4e-4, epsilon: 0.1 }
    }
}

impl Regularizer for Config {
    fn check(&self) -> Result<()> {
        require::positive("epsilon", self.epsilon)?;
        require::not_negative("weight", self.weight)
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn logarithm(&self) -> Option<f64> {
        Some(self.epsilon)
    }

    fn penalty(&self, values: &Tensor, slopes: &[Tensor]) -> std::result::Result<Tensor, TchError> {
        let lengths = squares(values, slopes)?.f_add_scalar_(EPSILON_SQUARED)?.f_sqrt()?;
        lengths.f_sub_scalar(EPSILON_SQUARED.sqrt())?.f_div_scalar(self.epsilon)?.f_log1p()?.f_mul_scalar(self.epsilon)
    }
}
