//! Simulation of real measurements from ideal projections. docs/physics.md gives the order of the effects, the formulas
//! and their sources.

pub mod attenuation;
pub mod bad_pixels;
pub mod beam;
pub mod blur;
pub mod detector;
pub mod drift;
mod kernel;
pub mod noise;
pub mod precorrection;
pub mod scatter;
pub mod spectrum;
mod subrays;

pub use bad_pixels::BadPixelsConfig;
pub use beam::{Beam, Detection};
pub use blur::BlurConfig;
pub use detector::{Effects, measure};
pub use drift::DriftConfig;
pub use noise::{NoiseConfig, Normalisation};
pub use precorrection::{PrecorrectionConfig, WaterCorrection};
pub use scatter::ScatterConfig;
pub use spectrum::{Emission, SpectrumKind};
pub use subrays::average_subrays;
