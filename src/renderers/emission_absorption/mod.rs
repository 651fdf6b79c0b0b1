//! Emission–absorption rendering along rays: C = Σ Tᵢ (1 − exp(−σᵢ δᵢ)) cᵢ, Tᵢ = exp(−Σ_{j<i} σⱼ δⱼ). Kajiya and Von
//! Herzen, SIGGRAPH 1984; Max, IEEE TVCG 1(2), 1995; with a neural field: Mildenhall et al., ECCV 2020, eq. 3.
//!
//! The sum and its gradient are functions on slices ([`composite`]); tests compare them with a tensor expression
//! ([`mod@reference`]). [`samples`] places the samples of a ray at equal steps through the box, but only in cells that
//! [`occupancy`] marks as occupied (Müller et al., ACM TOG 41(4), 2022, appendix E); [`mod@finer`] adds samples where a
//! first network finds matter (Mildenhall et al., §5.2).

pub mod composite;
pub mod finer;
pub mod occupancy;
pub mod reference;
pub mod samples;

pub use composite::{Batch, Seen};
pub use occupancy::Occupancy;
pub use samples::{Marcher, Ray, Samples};
