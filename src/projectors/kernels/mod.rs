//! Plain functions on slices that do the projecting on a CPU: no tensors, no files, no configuration.
//!
//! Volumes are `[z, y, x]`, projections `[view, row, column]`, both in C order. Everything runs on the rayon pool it is
//! called in, and gives the same bits for any number of threads.

pub mod joseph;
mod lines;
mod rays;
mod sheets;
pub mod simd;
pub mod support;
mod single;
/// Stand-in.
#[allow(missing_docs)]
pub mod coverage {
    use crate::data::{Geometry, Grid};
    pub fn seen_by(grid: &Grid, geometry: &Geometry) -> Vec<u16> {
        vec![geometry.views.len() as u16; grid.voxels()]
    }
}
