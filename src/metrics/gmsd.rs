//! Gradient magnitude similarity deviation (Xue et al., "Gradient magnitude similarity deviation: a highly efficient
//! perceptual image quality index", IEEE Trans. Image Process. 23(2), 2014), slice by slice: the standard deviation of
//! the local similarity of gradients. 0 for identical volumes; lower is better.

use super::planes::{Plane, mean};
use super::{Comparison, Metric, Score};
use rayon::prelude::*;

/// The constant c of the similarity for a data range of 1; Xue et al. give 170 for images of 0 to 255.
const CONSTANT: f64 = 170.0 / (255.0 * 255.0);

/// `gmsd`.
pub(super) struct Gmsd;

impl Metric for Gmsd {
    fn key(&self) -> &'static str {
        "gmsd"
    }

    fn definition(&self) -> &'static str {
        "mean over axial slices of the gradient magnitude similarity deviation (Xue 2014): standard deviation of \
         (2 a b + c) / (a^2 + b^2 + c) over 2 x 2 means, a and b the magnitudes under Prewitt's filter with zeros \
         beyond the edge, c = 170 / 255^2 of R^2, R = max - min of the truth; all voxels"
    }

    fn uses_range(&self) -> bool {
        true
    }

    fn takes_mask(&self) -> bool {
        false
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        let range = comparison.positive_range()?;
        let low = f64::from(comparison.truth().range().0);
        let [slices, rows, columns] = comparison.truth().grid.shape;
        if rows.min(columns) < 4 {
            return Err(format!("expected slices of at least 4 x 4 pixels, got {rows} x {columns}"));
        }
        let slice = |z: usize| deviation(&Plane::pair(comparison, 0, z, [low, range]));
        Ok(mean(&(0..slices).into_par_iter().map(slice).collect::<Vec<_>>()))
    }
}

fn deviation(pair: &[Plane; 2]) -> f64 {
    let [a, b] = pair.each_ref().map(|plane| magnitude(&plane.halved()));
    let map = a.with(&b, |a, b| (2.0 * a * b + CONSTANT) / (a * a + b * b + CONSTANT));
    let middle = mean(&map.values);
    mean(&map.values.iter().map(|value| (value - middle).powi(2)).collect::<Vec<_>>()).sqrt()
}

/// Magnitude of the gradient by the Prewitt filter, divided by 3; values beyond the edge are 0.
fn magnitude(plane: &Plane) -> Plane {
    let at = |row: isize, column: isize| {
        let inside = (0..plane.rows as isize).contains(&row) && (0..plane.columns as isize).contains(&column);
        if inside { plane.values[row as usize * plane.columns + column as usize] } else { 0.0 }
    };
    let value = |i: usize| {
        let (row, column) = ((i / plane.columns) as isize, (i % plane.columns) as isize);
        let three = [-1, 0, 1];
        let across: f64 = three.iter().map(|d| at(row + d, column + 1) - at(row + d, column - 1)).sum();
        let down: f64 = three.iter().map(|d| at(row + 1, column + d) - at(row - 1, column + d)).sum();
        (across * across + down * down).sqrt() / 3.0
    };
    Plane { values: (0..plane.values.len()).map(value).collect(), ..*plane }
}
