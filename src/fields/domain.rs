//! The domain of a field: the number of its coordinates, and the position of the voxels in them.

use crate::data::{Grid, dot};
use crate::error::Result;

/// The box of a grid in field coordinates (see [`crate::fields`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// Number of coordinates of a point: 2 or 3.
    pub inputs: usize,
    /// Number of voxels along the array axes `[z, y, x]`, in 2-D `[y, x]`.
    pub shape: Vec<usize>,
    /// For each array axis, the change of the voxel index per unit of each field coordinate: a point has the index
    /// `rows[k] · point + (shape[k] − 1) / 2` along axis k.
    pub rows: Vec<Vec<f64>>,
}

impl Domain {
    /// The domain of fields on `grid`.
    #[must_use]
    pub fn of(grid: &Grid) -> Self {
        let half = grid.half_extent();
        let directions = if grid.is_2d() {
            vec![grid.axes[2], grid.axes[1]]
        } else {
            vec![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        };
        let axes = usize::from(grid.is_2d())..3;
        let row = |k: usize| directions.iter().map(|&d| dot(d, grid.axes[k]) * half / grid.spacing[k]).collect();
        Self {
            inputs: directions.len(),
            shape: axes.clone().map(|k| grid.shape[k]).collect(),
            rows: axes.map(row).collect(),
        }
    }

    /// A square (2 inputs) or cube (3 inputs) with `voxels` voxels along each side.
    ///
    /// # Errors
    /// When `voxels` is 0.
    pub fn cube(inputs: usize, voxels: usize) -> Result<Self> {
        let deep = if inputs == 2 { 1 } else { voxels };
        Ok(Self::of(&Grid::centered([deep, voxels, voxels], [1.0; 3], [0.0; 3])?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::coordinates::Coordinates;
    use crate::tensors::to_vec;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn voxel_indices_are_those_that_coordinates_came_from() {
        let (sin, cos) = 0.4f64.sin_cos();
        let axes = [[0.0, 0.0, 1.0], [-sin, cos, 0.0], [cos, sin, 0.0]];
        for shape in [[4, 5, 6], [1, 5, 6]] {
            let grid = Grid::new(shape, [1.5, 1.0, 0.7], [3.0, 1.0, 2.0], axes).unwrap();
            let domain = Domain::of(&grid);
            let last = Tensor::from_slice(&[grid.voxels() as i64 - 1]);
            let point =
                to_vec(&Coordinates::new(&grid, &grid, (Kind::Double, Device::Cpu)).unwrap().of_voxels(&last).unwrap())
                    .unwrap();
            for (row, &n) in domain.rows.iter().zip(&domain.shape) {
                let index =
                    row.iter().zip(&point).map(|(a, b)| a * f64::from(*b)).sum::<f64>() + (n as f64 - 1.0) / 2.0;
                assert!((index - (n as f64 - 1.0)).abs() < 1e-5, "{index} of {n}");
            }
        }
    }
}
