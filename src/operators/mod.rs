//! Linear maps from volumes to measurements, with their adjoints. [`LinearOperator`] is the interface to iterative
//! methods, [`xray`] builds the operators of X-ray scans, [`Weighted`] multiplies the measurements of an operator by
//! factors, and [`Finer`] applies an operator on a finer grid to volumes on a coarser one.

mod finer;
mod linear;
mod weighted;
pub mod xray;

pub use finer::Finer;
pub use linear::{LinearOperator, expect_shape, norm_squared};
pub use weighted::Weighted;
