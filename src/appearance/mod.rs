//! Appearance of a volume in pictures: a transfer function from HU to colour and density, lighting, and ray casting
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

/// Appearance of the object in pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Transfer function, colour and density by HU: a preset (`bone`, `soft-tissue`, `lung`, `vessels`, `skin`) or a
    /// list of control points.
    pub transfer: Transfer,
    /// Light for shading surfaces; `null`: no shading, every point has its own colour.
    pub light: Option<Light>,
    /// Distance between samples along a ray, in units of the smallest voxel edge; 0.05 to 4.
    pub step: f64,
    /// Number of voxels along the longest axis of the grid on which an analytic phantom is sampled for rendering; 8 to
    /// 1024.
    pub voxels: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { transfer: Transfer::Preset(Preset::Bone), light: Some(Light::default()), step: 0.5, voxels: 160 }
    }
}

impl Config {
    /// Refuses an invalid configuration, naming the key.
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
