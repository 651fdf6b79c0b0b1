//! What is known of a volume besides its projections, as differentiable functions of it.

pub mod kernels;
pub mod total_variation;
