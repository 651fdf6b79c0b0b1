//! Attenuation and Hounsfield units: mu = mu_water (1 + HU / 1000).

use serde::{Deserialize, Serialize};

/// Linear attenuation coefficient of water at 60 keV, 1/mm (NIST XCOM: 0.2059 cm²/g, at 1 g/cm³).
pub const MU_WATER_PER_MM: f64 = 0.0206;

/// Reference attenuation of fits, as a multiple of water's. Fits run on x = mu / mu_ref with mu_ref = 2.5 mu_water
/// (1500 HU), so that regularisation weights have the same meaning whatever the unit or the energy.
pub const MU_REFERENCE_OVER_WATER: f64 = 2.5;

/// Physical quantity of a volume's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Hounsfield units, dimensionless.
    Hounsfield,
    /// Linear attenuation coefficient, 1/mm.
    Attenuation,
    /// Arbitrary units in which air is 0.
    Relative,
}

impl Quantity {
    /// Short unit label for tables and figures.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Hounsfield => "HU",
            Self::Attenuation => "1/mm",
            Self::Relative => "rel.",
        }
    }

    /// The value of air in this quantity.
    #[must_use]
    pub fn air(self) -> f32 {
        if self == Self::Hounsfield { -1000.0 } else { 0.0 }
    }
}

/// Converts a Hounsfield value to linear attenuation, in the unit of `mu_water` (1/mm).
#[must_use]
pub fn hounsfield_to_attenuation(hounsfield: f64, mu_water: f64) -> f64 {
    mu_water * (1.0 + hounsfield / 1000.0)
}

/// Converts linear attenuation (in the unit of `mu_water`, 1/mm) to a Hounsfield value.
#[must_use]
pub fn attenuation_to_hounsfield(mu: f64, mu_water: f64) -> f64 {
    1000.0 * (mu / mu_water - 1.0)
}
