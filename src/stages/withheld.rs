//! What views that a method has not seen say about it: for measured scans, which have no truth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which methods of a measured scan are judged by withheld views. Every method so judged is run three times more: on
/// nine tenths of the views, and on each half of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrossValidation {
    /// Every method but neural fields, whose fits take the longest.
    #[default]
    Auto,
    /// Every method.
    Always,
    /// None.
    Never,
}

impl CrossValidation {
    /// Whether a method of this kind is judged.
    #[must_use]
    pub fn takes(self, algorithm: &str) -> bool {
        match self {
            Self::Auto => algorithm != "neural_field",
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What withheld views say about a method.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    /// ‖A x − y‖ / ‖y‖ over every tenth view, x from the others.
    pub residual: Option<f64>,
    /// The same difference in units of the noise: 1 is as well as any prediction can be.
    pub noise: Option<f64>,
    /// Where the Fourier shell correlation of two volumes from alternate views falls below the half-bit curve, mm.
    pub resolution_mm: Option<f64>,
    /// The correlation itself: frequency (1/mm), correlation, half-bit curve.
    pub shells: Vec<[f64; 3]>,
    /// Why a figure does not exist, by its key in the report.
    pub reasons: BTreeMap<String, String>,
}

impl Withheld {
    /// Keys of its figures in reports.
    pub const KEYS: [&'static str; 3] = ["held_out_residual", "held_out_noise", "resolution_mm"];
    /// Key of the correlation among a method's notes.
    pub const SHELLS: &'static str = "fourier_shell_correlation";

    /// The figures in the order of [`Withheld::KEYS`].
    #[must_use]
    pub fn figures(&self) -> [Option<f64>; 3] {
        [self.residual, self.noise, self.resolution_mm]
    }
}
