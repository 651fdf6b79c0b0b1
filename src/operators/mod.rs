//! Linear maps from volumes to measurements, with their adjoints. [`LinearOperator`] is what iterative methods see,
//! [`xray`] makes those of X-ray scans, and [`Weighted`] is one whose measurements are multiplied by factors.

mod linear;
mod weighted;
pub mod xray;

pub use linear::{LinearOperator, norm_squared};
pub use weighted::Weighted;
