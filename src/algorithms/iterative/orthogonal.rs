//! Gradients of earlier iterations, against which each new gradient is reorthogonalised.
//!
//! The gradients Aᵀr of conjugate gradients are orthogonal in exact arithmetic. In f32 the error of orthogonality grows
//! by a factor of five per iteration once the largest singular values have converged, and the iterates then depend on
//! how a processor rounds. Full reorthogonalisation (Å. Björck, "Numerical Methods for Least Squares Problems", 1996,
//! section 7.6) keeps the iterates within 1e-6 of those of exact arithmetic, and costs the memory of one volume per
//! iteration and two passes over each stored volume.

use super::vectors;
use crate::data::Grid;
use tch::{TchError, Tensor};

/// Memory for stored gradients, bytes; once it is full, the gradients of later iterations are not stored.
const ROOM: usize = 1 << 30;

/// The stored gradients with their squared norms.
pub(in crate::algorithms) struct Orthogonal {
    slopes: Vec<(Tensor, f64)>,
    most: usize,
}

impl Orthogonal {
    /// An empty store for gradients on `grid`.
    pub(in crate::algorithms) fn new(grid: &Grid) -> Self {
        Self { slopes: Vec::new(), most: most(grid) }
    }

    /// Number of volumes that are stored in `iterations` iterations.
    pub(in crate::algorithms) fn volumes(grid: &Grid, iterations: u64) -> u64 {
        iterations.min(most(grid) as u64)
    }

    /// Subtracts from `slope` its projections onto all stored gradients, stores a copy of the result, and returns its
    /// squared norm.
    pub(in crate::algorithms) fn add(&mut self, slope: &mut Tensor) -> Result<f64, TchError> {
        for (earlier, square) in &self.slopes {
            let along = vectors::dot(earlier, slope)? / square;
            vectors::add_scaled(slope, -along, earlier)?;
        }
        let square = vectors::dot(slope, slope)?;
        if square > 0.0 && self.slopes.len() < self.most {
            self.slopes.push((vectors::copied(slope)?, square));
        }
        Ok(square)
    }
}

fn most(grid: &Grid) -> usize {
    ROOM / (4 * grid.voxels()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn what_is_left_of_a_slope_is_orthogonal_to_all_before_it() {
        let grid = Grid::centered([1, 5, 8], [1.0; 3], [0.0; 3]).unwrap();
        let mut kept = Orthogonal::new(&grid);
        for _ in 0..8 {
            let mut slope = Tensor::randn([1, 5, 8], (Kind::Float, Device::Cpu)) + 3.0;
            let square = kept.add(&mut slope).unwrap();
            let before = &kept.slopes[..kept.slopes.len() - 1];
            for (earlier, other) in before {
                let cosine = vectors::dot(earlier, &slope).unwrap() / (square * other).sqrt();
                assert!(cosine.abs() < 1e-5, "{cosine}");
            }
        }
        // What lies in their span leaves only rounding.
        let mut inside = &kept.slopes[0].0 * 2.0 - &kept.slopes[7].0;
        let before = vectors::norm(&inside).unwrap();
        assert!(kept.add(&mut inside).unwrap().sqrt() < 1e-5 * before);
    }
}
