//! Conversion of voxel numbers and voxel indices to field coordinates.

use crate::data::{Grid, dot, scale, sub};
use crate::error::Result;
use crate::tensors::torch_error;
use tch::{Device, Kind, TchError, Tensor};

/// The affine map from index coordinates `[z, y, x]` of one grid to the field coordinates of a field that is defined on
/// the box of another grid.
#[derive(Debug)]
pub struct Coordinates {
    shape: [i64; 3],
    /// `[3, inputs]`: field coordinates are index coordinates (a row vector) times this matrix, plus `shift`
    /// `[inputs]`.
    matrix: Tensor,
    shift: Tensor,
}

impl Coordinates {
    /// Maps the indices of `grid` to the coordinates of the field on the box of `home` (the same grid, or a shifted
    /// one).
    ///
    /// # Errors
    /// When memory runs out.
    pub fn new(grid: &Grid, home: &Grid, options: (Kind, Device)) -> Result<Self> {
        let (half, center) = (home.half_extent(), home.center());
        // World directions of the field's inputs: x, y, z; in a slice those along its rows and columns.
        let inputs = if home.is_2d() {
            vec![home.axes[2], home.axes[1]]
        } else {
            vec![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        };
        let component = |vector| inputs.iter().map(|&axis| dot(vector, axis) / half).collect::<Vec<f64>>();
        let matrix: Vec<f64> = (0..3).flat_map(|k| component(scale(grid.axes[k], grid.spacing[k]))).collect();
        let shift = component(sub(grid.origin, center));
        let make = |values: &[f64], shape: &[i64]| {
            Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(options.1)?.f_to_kind(options.0)
        };
        let columns = inputs.len() as i64;
        let build = || -> std::result::Result<Self, TchError> {
            Ok(Self {
                shape: grid.shape.map(|n| n as i64),
                matrix: make(&matrix, &[3, columns])?,
                shift: make(&shift, &[columns])?,
            })
        };
        build().map_err(torch_error)
    }

    /// Field coordinates `[n, inputs]` of index coordinates `[n, 3]` (z, y, x).
    ///
    /// # Errors
    /// When memory runs out.
    pub fn of_indices(&self, indices: &Tensor) -> Result<Tensor> {
        self.shift.f_addmm(indices, &self.matrix).map_err(torch_error)
    }

    /// Field coordinates `[n, inputs]` of voxel numbers `[n]` (int64, in C order of `[z, y, x]`).
    ///
    /// # Errors
    /// When memory runs out.
    pub fn of_voxels(&self, voxels: &Tensor) -> Result<Tensor> {
        let split = || {
            let x = voxels.f_remainder(self.shape[2])?;
            let row = voxels.f_divide_scalar_mode(self.shape[2], "floor")?;
            let y = row.f_remainder(self.shape[1])?;
            let z = row.f_divide_scalar_mode(self.shape[1], "floor")?;
            Tensor::f_stack(&[z, y, x], 1)?.f_to_kind(self.matrix.kind())
        };
        self.of_indices(&split().map_err(torch_error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::to_vec;

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    #[test]
    fn corner_voxels_lie_half_a_voxel_inside_the_unit_cube() {
        let grid = Grid::centered([4, 4, 8], [1.0; 3], [5.0, 6.0, 7.0]).unwrap();
        let coordinates = Coordinates::new(&grid, &grid, CPU).unwrap();
        let found = to_vec(&coordinates.of_voxels(&Tensor::from_slice(&[0i64, 4 * 4 * 8 - 1])).unwrap()).unwrap();
        let expected = [-0.875, -0.375, -0.375, 0.875, 0.375, 0.375];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn a_slice_has_two_inputs() {
        let grid = Grid::centered([1, 2, 4], [1.0; 3], [0.0; 3]).unwrap();
        let coordinates = Coordinates::new(&grid, &grid, CPU).unwrap();
        let found = to_vec(&coordinates.of_voxels(&Tensor::from_slice(&[5i64])).unwrap()).unwrap();
        assert!((found[0] + 0.25).abs() < 1e-6 && (found[1] - 0.25).abs() < 1e-6, "{found:?}");
    }
}
