//! How a volume looks: a transfer function from HU to colour and density, light, and the picture maker that casts rays
//! through the volume ([`casting`]). Levoy, "Display of surfaces from volume data", IEEE CG&A 8(3), 1988; Max, "Optical
//! models for direct volume rendering", IEEE TVCG 1(2), 1995.

pub mod casting;
pub mod depth;
pub mod light;
pub mod radiograph;
pub mod transfer;

pub use casting::Caster;
pub use light::Light;
pub use transfer::{Preset, Stop, Transfer};

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the object looks like in pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Colour and density by HU: a preset (bone, soft-tissue, lung, vessels, skin) or control points.
    pub transfer: Transfer,
    /// How surfaces are lit; `null`: every point shines in its own colour.
    pub light: Option<Light>,
    /// Distance between samples along a ray, in voxels.
    pub step: f64,
    /// Voxels along the longest axis that an analytic phantom is drawn on.
    pub voxels: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { transfer: Transfer::Preset(Preset::Bone), light: Some(Light::default()), step: 0.5, voxels: 160 }
    }
}

impl Config {
    /// Refuses what makes no sense, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        if !(0.05..=4.0).contains(&self.step) {
            return Err(Error::config("step", format!("expected 0.05 to 4 voxels, got {}", self.step)));
        }
        if !(8..=1024).contains(&self.voxels) {
            return Err(Error::config("voxels", format!("expected 8 to 1024, got {}", self.voxels)));
        }
        if let Some(light) = &self.light {
            light.check().map_err(|error| error.under("light"))?;
        }
        self.transfer.check().map_err(|error| error.under("transfer"))
    }
}
