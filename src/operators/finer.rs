//! A projector on a fine grid, used for volumes on a coarser grid: A U, where U copies the value of each coarse voxel
//! to all fine voxels in it. Corrections on the output grid can then be made with the finer discretisation.

use super::LinearOperator;
use crate::data::Grid;
use crate::error::Result;
use crate::operators::linear::expect_shape;
use crate::tensors::torch_error;
use tch::{TchError, Tensor};

/// The operator A U.
pub struct Finer {
    /// The operator A on the fine grid.
    fine: Box<dyn LinearOperator>,
    /// The coarse grid, on which the volumes are.
    grid: Grid,
    /// Number of fine voxels in a coarse voxel along each axis.
    factors: [i64; 3],
}

impl Finer {
    /// `fine` is an operator on a grid that covers the same box as `grid` and cuts each of its voxels into whole fine
    /// ones.
    #[must_use]
    pub fn new(grid: &Grid, fine: Box<dyn LinearOperator>) -> Self {
        let factors = std::array::from_fn(|k| (fine.domain().shape[k] / grid.shape[k]).max(1) as i64);
        Self { fine, grid: grid.clone(), factors }
    }

    /// Shape `[z, a, y, b, x, c]`, where a, b, c count the fine voxels in each coarse voxel (all 1 for a coarse
    /// volume).
    fn blocks(&self, [a, b, c]: [i64; 3]) -> [i64; 6] {
        let [z, y, x] = self.grid.shape.map(|n| n as i64);
        [z, a, y, b, x, c]
    }

    fn spread(&self, volume: &Tensor) -> std::result::Result<Tensor, TchError> {
        let shape = self.fine.domain().shape.map(|n| n as i64);
        volume.f_view(self.blocks([1; 3]))?.f_expand(self.blocks(self.factors), false)?.f_reshape(shape)
    }
}

impl LinearOperator for Finer {
    fn domain(&self) -> &Grid {
        &self.grid
    }

    fn range(&self) -> [usize; 3] {
        self.fine.range()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        expect_shape(volume, self.grid.shape, "volume")?;
        if self.factors == [1; 3] {
            return self.fine.forward(volume);
        }
        self.fine.forward(&self.spread(volume).map_err(torch_error)?)
    }

    fn adjoint(&self, measurements: &Tensor) -> Result<Tensor> {
        let fine = self.fine.adjoint(measurements)?;
        if self.factors == [1; 3] {
            return Ok(fine);
        }
        let blocks = fine.f_view(self.blocks(self.factors)).map_err(torch_error)?;
        blocks.f_sum_dim_intlist([1i64, 3, 5].as_slice(), false, None).map_err(torch_error)
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        Ok(Box::new(Self { fine: self.fine.subset(views)?, grid: self.grid.clone(), factors: self.factors }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::xray::{self, Model};
    use crate::registry::OneOf;
    use crate::tensors::dot;
    use tch::{Device, Kind};

    #[test]
    fn it_is_an_exact_pair_and_sees_a_voxel_as_its_fine_ones() {
        let grid = Grid::centered([4, 6, 5], [2.0; 3], [0.0; 3]).unwrap();
        let kind: OneOf<crate::geometries::GeometryKind> = serde_yaml::from_str("cone: {views: 5}").unwrap();
        let geometry = kind.kind.build(&grid).unwrap();
        let fine = grid.with_shape([8, 12, 10]).unwrap();
        let build = || xray::build(Model::Joseph, &fine, &geometry, Device::Cpu).unwrap();
        let operator = Finer::new(&grid, build());
        let volume = Tensor::rand([4, 6, 5], (Kind::Float, Device::Cpu));
        let data = Tensor::rand(operator.range().map(|n| n as i64), (Kind::Float, Device::Cpu));
        let forward = operator.forward(&volume).unwrap();
        let both = (dot(&forward, &data).unwrap(), dot(&volume, &operator.adjoint(&data).unwrap()).unwrap());
        assert!((both.0 / both.1 - 1.0).abs() < 1e-5, "{both:?}");
        let copied = volume.repeat_interleave_self_int(2, 0, None);
        let copied = copied.repeat_interleave_self_int(2, 1, None).repeat_interleave_self_int(2, 2, None);
        let direct = build().forward(&copied).unwrap();
        assert!((forward - direct).abs().max().double_value(&[]) < 1e-4);
    }
}
