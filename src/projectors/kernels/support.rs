//! Which voxels can hold anything (to be replaced by the kernels' own).
use crate::data::{Geometry, Grid};
use rayon::prelude::*;

/// Voxels through which no ray below `threshold` passes in any view.
pub fn seen_support(g: &Grid, ge: &Geometry, y: &[f32], th: f32) -> Vec<bool> {
    let (r, c) = (ge.detector.rows as i64, ge.detector.columns as i64);
    (0..g.voxels())
        .into_par_iter()
        .map(|i| {
            let p = g.point([(i / g.shape[2] / g.shape[1]) as f64, (i / g.shape[2] % g.shape[1]) as f64, (i % g.shape[2]) as f64]);
            (0..ge.views.len()).all(|v| {
                let Some((a, b)) = ge.project(v, p) else { return true };
                let (a, b) = (a.round() as i64, b.round() as i64);
                (-2..=2).any(|da| {
                    (-2..=2).any(|db| {
                        let (x, z) = (a + da, b + db);
                        x < 0 || z < 0 || x >= r || z >= c || y[((v as i64 * r + x) * c + z) as usize] > th
                    })
                })
            })
        })
        .collect()
}
