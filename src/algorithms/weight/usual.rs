//! Rough estimate of the best total variation weight from the noise, the number of views and the object's attenuation.
//! It is not accurate enough for a reconstruction, but it excludes weights that are far too small.

use super::discrepancy::noise_in_air;
use crate::algorithms::Problem;

/// Best weight (geometric mean) for slices of a thorax, a thigh and a bone with 28 views and 1e5 photons, relative to a
/// grid filled with water.
const WEIGHT: f64 = 6e-4;
/// Noise of a line integral through air (standard deviation) for which [`WEIGHT`] holds.
const NOISE: f64 = 0.003_16;
/// Number of views for which [`WEIGHT`] holds.
const VIEWS: f64 = 28.0;
/// Range to which the estimated noise is limited: the model error corresponds to at least the lower end, and estimates
/// above the upper end are not reliable.
const NOISES: [f64; 2] = [1e-3, 0.1];
/// Factor between the estimate and the smallest weight; the best weights of those slices were within a factor of 4 of
/// the estimate.
const BELOW: f64 = 10.0;

/// The smallest weight worth trying; 0 for measurements other than X-rays. If the discretisation error at edges exceeds
/// the noise, as with few views of sharp edges, ever smaller weights predict the left-out views slightly better,
/// although their volumes are full of streaks.
///
/// The estimate is proportional to √(noise in air / number of views), as fitted to those slices, and to the
/// attenuation, as total variation is. The attenuation is the 95th percentile of the line integrals relative to that of
/// water along the grid's longest side. On a grid k times finer than the output grid the discretisation error is
/// smaller, so that the limit is divided by k².
pub(super) fn lowest(problem: &Problem<'_>) -> f64 {
    // The rule is for X-rays and their noise; other measurements have no lower limit.
    let Ok(data) = problem.projections() else { return 0.0 };
    let grid = &problem.grid;
    let mut integrals = data.as_slice().to_vec();
    let at = (integrals.len() * 95 / 100).min(integrals.len().saturating_sub(1));
    let strong = f64::from(*integrals.select_nth_unstable_by(at, f32::total_cmp).1).max(0.0);
    let longest = grid.shape.iter().zip(grid.spacing).map(|(&voxels, mm)| voxels as f64 * mm).fold(0.0, f64::max);
    let noise = noise_in_air(data).clamp(NOISES[0], NOISES[1]);
    let views = data.geometry.directions().len() as f64;
    let usual = WEIGHT * (noise / NOISE * VIEWS / views).sqrt() * strong / (longest * problem.mu_water);
    usual / (BELOW * (problem.lattice as f64).powi(2))
}
