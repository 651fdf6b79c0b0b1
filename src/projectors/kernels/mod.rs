//! Stub until the kernels branch is merged.
#![allow(missing_docs)]
pub mod joseph {
    use crate::data::{Detector, Grid, View};
    pub fn forward(_grid: &Grid, _views: &[View], _detector: &Detector, _volume: &[f32], projections: &mut [f32]) {
        projections.fill(1.0);
    }
}
pub mod coverage {
    use crate::data::{Geometry, Grid};
    pub fn seen_by(grid: &Grid, geometry: &Geometry) -> Vec<u16> {
        vec![geometry.views.len() as u16; grid.voxels()]
    }
}
pub fn simd_level() -> &'static str {
    "unknown"
}
