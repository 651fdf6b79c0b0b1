//! [`Material`]: what matter is made of, where its attenuation changes with the energy of the photons.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A substance with a known attenuation curve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Material {
    /// Liquid water; soft tissue behaves like it.
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
    /// Every material, in a fixed order.
    pub const ALL: [Self; 6] = [Self::Water, Self::Bone, Self::Aluminium, Self::Titanium, Self::Iron, Self::Copper];
}
