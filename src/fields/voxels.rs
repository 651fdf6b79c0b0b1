//! The voxel values themselves as parameters: f(p) = Σ w_c(p) `x[c]` over the voxels c around p, trilinear between
//! voxel centres, constant beyond the outermost centres. There is no network: with the lattice integrator, Adam and
//! total variation this is gradient descent on the voxels, the baseline that a neural field has to beat (as in DiffVox:
//! Hossain et al., 2024). All voxels start at zero (air).

use super::interpolation::interpolate;
use super::kernels::levels::Levels;
use super::layers::tensor;
use super::{Architecture, Cost, Domain, Field, OutputGradient, Parameter, Role, fused, through_autograd};
use crate::error::Result;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// `voxels: {}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

/// The volume. Its parameter is `voxels` `[voxels, 1]`, in C order of `[z, y, x]`.
#[derive(Debug)]
pub struct Voxels {
    levels: Levels,
    /// `[inputs, axes]`: a point (row vector) times this matrix is its voxel index relative to the middle of the grid,
    /// fastest array axis first.
    to_index: Tensor,
    parameters: [Parameter; 1],
}

impl Architecture for Config {
    fn check(&self, _: &Domain) -> Result<()> {
        Ok(())
    }

    fn cost(&self, domain: &Domain) -> Cost {
        let corners = 1 << domain.inputs;
        Cost {
            operations: f64::from(20 * corners),
            bytes: 32 * corners as u64,
            parameters: domain.shape.iter().product::<usize>() as u64,
        }
    }

    fn build(&self, domain: &Domain, _: u64, options: (Kind, Device)) -> Result<Box<dyn Field>> {
        Ok(Box::new(Voxels::new(domain, options)?))
    }
}

impl Voxels {
    /// A volume of zeros (air).
    pub(super) fn new(domain: &Domain, options: (Kind, Device)) -> Result<Self> {
        let inputs = domain.inputs;
        let mut levels = Levels::new(inputs, 1);
        levels.push((0..inputs).collect(), domain.shape.iter().rev().copied().collect(), 1.0, None);
        let rows: Vec<f64> = domain.rows.iter().rev().flatten().copied().collect();
        let to_index = tensor(&rows, &[inputs, inputs], options)?.f_transpose(0, 1).map_err(torch_error)?;
        let zeros = Tensor::f_zeros([levels.rows() as i64, 1], options).map_err(torch_error)?.set_requires_grad(true);
        let parameters = [Parameter { name: "voxels".to_string(), value: zeros, role: Role::Table }];
        Ok(Self { levels, to_index, parameters })
    }

    fn indices(&self, points: &Tensor) -> std::result::Result<Tensor, TchError> {
        points.f_matmul(&self.to_index)
    }
}

impl Field for Voxels {
    fn attenuation(&self, points: &Tensor) -> Result<Tensor> {
        let run = || interpolate(&self.levels, &self.parameters[0].value, &self.indices(points)?)?.f_squeeze_dim(1);
        run().map_err(torch_error)
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn adopt(&self, volume: &Tensor) -> Result<()> {
        let table = &self.parameters[0].value;
        tch::no_grad(|| table.detach().f_copy_(&volume.f_view([-1, 1])?)).map_err(torch_error)
    }

    fn evaluate(&self, points: &Tensor) -> Result<Tensor> {
        if !fused::applies(points) {
            return tch::no_grad(|| self.attenuation(points));
        }
        let indices = self.indices(points).map_err(torch_error)?;
        fused::gather(&self.levels, &self.parameters[0].value, &indices)?.f_view([-1]).map_err(torch_error)
    }

    fn accumulate(&self, points: &Tensor, slopes: &mut OutputGradient<'_>) -> Result<()> {
        if !fused::applies(points) {
            return through_autograd(self, points, slopes);
        }
        let table = &self.parameters[0].value;
        let indices = self.indices(points).map_err(torch_error)?;
        let values = fused::gather(&self.levels, table, &indices)?.f_view([-1]).map_err(torch_error)?;
        fused::scatter(&self.levels, table, &indices, &slopes(&values)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Grid;
    use crate::fields::coordinates::Coordinates;
    use crate::tensors::to_vec;

    const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

    #[test]
    fn at_its_centre_a_voxel_is_its_parameter_whatever_the_grid() {
        let (sin, cos) = 0.3f64.sin_cos();
        let axes = [[0.0, 0.0, 1.0], [-sin, cos, 0.0], [cos, sin, 0.0]];
        for shape in [[2, 3, 4], [1, 3, 4]] {
            let grid = Grid::new(shape, [2.0, 1.0, 0.5], [3.0, 1.0, 2.0], axes).unwrap();
            let field = Config {}.build(&Domain::of(&grid), 0, F64).unwrap();
            let count = grid.voxels() as i64;
            let values = Tensor::arange(count, F64);
            field.parameters()[0].value.detach().copy_(&values.view([count, 1]));
            let coordinates = Coordinates::new(&grid, &grid, F64).unwrap();
            let found =
                to_vec(&field.attenuation(&coordinates.of_voxels(&values.to_kind(Kind::Int64)).unwrap()).unwrap())
                    .unwrap();
            assert!(found.iter().enumerate().all(|(n, value)| (value - n as f32).abs() < 1e-5), "{found:?}");
        }
    }

    #[test]
    fn the_kernels_agree_with_the_tensor_expressions() {
        for inputs in [2, 3] {
            let field = Config {}.build(&Domain::cube(inputs, 6).unwrap(), 0, (Kind::Float, Device::Cpu)).unwrap();
            let count = field.parameters()[0].value.numel() as i64;
            field.parameters()[0]
                .value
                .detach()
                .copy_(&Tensor::arange(count, (Kind::Float, Device::Cpu)).sin().view([count, 1]));
            let points =
                Tensor::from_slice(&(0..inputs * 300).map(|i| (i as f32 * 0.37).sin() * 1.1).collect::<Vec<_>>());
            fused::compare(field.as_ref(), &points.view([-1, inputs as i64]), 1e-5, "voxels");
        }
    }
}
