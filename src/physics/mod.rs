//! Ideal projections to what a detector would have measured. Order of the effects, formulas and sources:
//! docs/physics.md.

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
