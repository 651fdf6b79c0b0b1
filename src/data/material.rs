//! [`Material`]: substances whose attenuation depends on the photon energy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A substance with a tabulated attenuation curve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Material {
    /// Liquid water; also a model of soft tissue.
    #[default]
    Water,
    /// Cortical bone (ICRU-44).
    Bone,
    /// Aluminium.
    Aluminium,
    /// Titanium.
    Titanium,
    /// Iron.
    Iron,
    /// Copper.
    Copper,
}

impl Material {
    /// All materials, in a fixed order.
    pub const ALL: [Self; 6] = [Self::Water, Self::Bone, Self::Aluminium, Self::Titanium, Self::Iron, Self::Copper];
}
