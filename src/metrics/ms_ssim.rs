//! Multiscale structural similarity (Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality
//! assessment", Asilomar 2003), slice by slice: the weighted product of the contrast-structure terms at five scales and
//! the luminance term at the coarsest.

use super::planes::{Edge, Plane, RADIUS, mean, terms};
use super::{Comparison, Metric, Score};
use rayon::prelude::*;

/// Exponents of the scales, the finest scale first.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/// `ms_ssim`.
pub(super) struct MsSsim;

impl Metric for MsSsim {
    fn key(&self) -> &'static str {
        "ms_ssim"
    }

    fn definition(&self) -> &'static str {
        "mean over axial slices of the multiscale structural similarity (Wang 2003): five scales of 2 x 2 means, \
         weights 0.0448, 0.2856, 0.3001, 0.2363, 0.1333, Gaussian window sigma 1.5, 11 taps, inside only, K1 0.01, \
         K2 0.03, R = max - min of the truth; a negative mean of a scale counts as 0; all voxels, \
         slices of at least 176 x 176"
    }

    fn uses_range(&self) -> bool {
        true
    }

    fn takes_mask(&self) -> bool {
        false
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        let range = comparison.positive_range()?;
        let [slices, rows, columns] = comparison.truth().grid.shape;
        let least = (2 * RADIUS + 1) << (WEIGHTS.len() - 1);
        if rows.min(columns) < least {
            return Err(format!("slices of {rows} x {columns} are smaller than five scales of the window: {least}"));
        }
        let slice = |z: usize| scales(Plane::pair(comparison, 0, z, [0.0, 1.0]), range);
        Ok(mean(&(0..slices).into_par_iter().map(slice).collect::<Vec<_>>()))
    }
}

fn scales(mut pair: [Plane; 2], range: f64) -> f64 {
    let mut product = 1.0;
    for (scale, weight) in WEIGHTS.into_iter().enumerate() {
        let [luminance, structure] = terms(&pair, Edge::Inner, range);
        let last = scale + 1 == WEIGHTS.len();
        let map = if last { luminance.with(&structure, |l, s| l * s) } else { structure };
        product *= mean(&map.values).max(0.0).powf(weight);
        pair = pair.map(|plane| plane.halved());
    }
    product
}
