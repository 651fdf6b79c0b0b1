//! Emission and absorption along rays: C = Σ Tᵢ (1 − exp(−σᵢ δᵢ)) cᵢ, Tᵢ = exp(−Σ_{j<i} σⱼ δⱼ). Kajiya and Von Herzen,
//! SIGGRAPH 1984; Max, IEEE TVCG 1(2), 1995; as a function of a field's weights: Mildenhall et al., ECCV 2020, eq. 3.
//!
//! The sum and its gradient are plain functions on slices ([`composite`]); the tensor expression that tests hold them
//! to is beside them ([`mod@reference`]). [`samples`] says where a ray is looked at: in equal steps through the box,
//! but only where [`occupancy`] knows of matter (Müller et al., ACM TOG 41(4), 2022, appendix E).

pub mod composite;
pub mod occupancy;
pub mod reference;
pub mod samples;

pub use composite::{Batch, Seen};
pub use occupancy::Occupancy;
pub use samples::{Marcher, Ray, Samples};
