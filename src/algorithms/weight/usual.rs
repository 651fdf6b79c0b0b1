//! The weight that total variation usually takes, from the noise, the number of views and the object's attenuation: not
//! good enough to reconstruct with, but enough to tell which weights are out of the question.

use super::discrepancy::noise_in_air;
use crate::algorithms::Problem;

/// Best weight (geometric mean) of slices of a thorax, a thigh and a bone with 28 views and 1e5 photons, in water.
const WEIGHT: f64 = 6e-4;
/// Noise of a line integral through air, and number of views, that [`WEIGHT`] is for.
const NOISE: f64 = 0.003_16;
/// See [`NOISE`].
const VIEWS: f64 = 28.0;
/// What a model gets wrong by itself is not less than this much noise, nor does an estimate above the other end hold.
const NOISES: [f64; 2] = [1e-3, 0.1];
/// The best weights of those slices were within a factor of 4 of the usual one.
const BELOW: f64 = 10.0;

/// The smallest weight worth trying. Where a model's own error at edges is larger than the noise, as with few views of
/// sharp edges, views that are left out are predicted a little better by ever smaller weights, whose volumes are
/// streaks.
///
/// The usual weight goes with the root of the noise in air and of one over the number of views (fitted to those
/// slices), and with the attenuation, as total variation does: that of water is assumed to fill the grid if the 95th
/// percentile of the line integrals is water's along the grid's longest side. On a lattice finer than the picture's the
/// model's error is smaller: the square of how much finer.
pub(super) fn lowest(problem: &Problem<'_>) -> f64 {
    // The rule is one of X-rays and their noise: another measurement has no such floor.
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
