//! Evaluation of methods by withheld views, for measured scans, which have no ground truth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which methods of a measured scan are evaluated by withheld views. Each of them runs three more times: on nine tenths
/// of the views, and on each half of the views.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrossValidation {
    /// Every method except neural fields, whose fits take the longest.
    #[default]
    Auto,
    /// Every method.
    Always,
    /// No method.
    Never,
}

impl CrossValidation {
    /// Whether a method of this kind is evaluated.
    #[must_use]
    pub fn takes(self, algorithm: &str) -> bool {
        match self {
            Self::Auto => algorithm != "neural_field",
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Results of a method's evaluation by withheld views.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    /// Relative residual ‖A x − y‖ / ‖y‖ of every tenth view, x being reconstructed from the other views.
    pub residual: Option<f64>,
    /// The same residual divided by the noise of the withheld views; 1 is the best that can be expected.
    pub noise: Option<f64>,
    /// Resolution, mm: inverse of the frequency at which the Fourier shell correlation of two volumes, each from every
    /// other view, falls below the half-bit curve.
    pub resolution_mm: Option<f64>,
    /// The Fourier shell correlation: frequency (1/mm), correlation, half-bit curve.
    pub shells: Vec<[f64; 3]>,
    /// Reasons for missing values, by the value's key in the report.
    pub reasons: BTreeMap<String, String>,
}

impl Withheld {
    /// Keys of the values in reports.
    pub const KEYS: [&'static str; 3] = ["held_out_residual", "held_out_noise", "resolution_mm"];
    /// Key of the Fourier shell correlation in a method's notes.
    pub const SHELLS: &'static str = "fourier_shell_correlation";

    /// The values in the order of [`Withheld::KEYS`].
    #[must_use]
    pub fn figures(&self) -> [Option<f64>; 3] {
        [self.residual, self.noise, self.resolution_mm]
    }
}
