//! Slopes of earlier iterations, to which the next one is made orthogonal again.
//!
//! The slopes Aᵀr of conjugate gradients are orthogonal in exact arithmetic. In f32 they lose it by a factor of five
//! per iteration, soon after the largest singular values have converged, and the iterates then depend on how a
//! processor rounds. Full reorthogonalisation (Å. Björck, "Numerical Methods for Least Squares Problems", 1996, section
//! 7.6) keeps the iterates within 1e-6 of those of exact arithmetic, for one volume of memory and two passes over it
//! per iteration.

use super::vectors;
use crate::data::Grid;
use tch::{TchError, Tensor};

/// Memory that the slopes may keep, bytes; the slopes of later iterations are not kept.
const ROOM: usize = 1 << 30;

/// The slopes that are kept, with their squared norms.
pub(in crate::algorithms) struct Orthogonal {
    slopes: Vec<(Tensor, f64)>,
    most: usize,
}

impl Orthogonal {
    /// No slopes yet, and room for those of volumes on `grid`.
    pub(in crate::algorithms) fn new(grid: &Grid) -> Self {
        Self { slopes: Vec::new(), most: most(grid) }
    }

    /// Volumes that `iterations` iterations keep.
    pub(in crate::algorithms) fn volumes(grid: &Grid, iterations: u64) -> u64 {
        iterations.min(most(grid) as u64)
    }

    /// Takes from `slope` its part along every slope that is kept, and keeps a copy of the rest; gives ⟨slope, slope⟩.
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
