//! How well line integrals fit together: what a few steps of least squares leave of them.

use crate::data::{Geometry, Grid};
use crate::operators::xray::kernels::joseph;

/// Steps of CGLS: enough to form edges, too few to fit contradictions.
const STEPS: usize = 12;

/// ‖A x − y‖ / ‖y‖ after a few steps from zero.
pub(super) fn cgls(geometry: &Geometry, grid: &Grid, data: &[f32]) -> f64 {
    let dot = |a: &[f32]| a.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let norm = dot(data);
    let mut residual = data.to_vec();
    let (mut slope, mut image) = (vec![0.0f32; grid.voxels()], vec![0.0f32; data.len()]);
    joseph::adjoint(grid, &geometry.views, &geometry.detector, &residual, &mut slope);
    let mut direction = slope.clone();
    let mut size = dot(&slope);
    for _ in 0..STEPS {
        joseph::forward(grid, &geometry.views, &geometry.detector, &direction, &mut image);
        let along = dot(&image);
        if along <= 0.0 || size <= 0.0 {
            break;
        }
        let step = (size / along) as f32;
        residual.iter_mut().zip(&image).for_each(|(r, &a)| *r -= step * a);
        joseph::adjoint(grid, &geometry.views, &geometry.detector, &residual, &mut slope);
        let next = dot(&slope);
        let keep = (next / size) as f32;
        direction.iter_mut().zip(&slope).for_each(|(d, &s)| *d = s + keep * *d);
        size = next;
    }
    if norm > 0.0 { (dot(&residual) / norm).sqrt() } else { 0.0 }
}
