//! Linear maps from volumes to measurements, with their adjoints. [`LinearOperator`] is what iterative methods see,
//! [`xray`] makes those of X-ray scans, [`Weighted`] is one whose measurements are multiplied by factors, and [`Finer`]
//! one whose voxels are cut into finer ones first.

mod finer;
mod linear;
mod weighted;
pub mod xray;

pub use finer::Finer;
pub use linear::{LinearOperator, expect_shape, norm_squared};
pub use weighted::Weighted;
